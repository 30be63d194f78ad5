"""A model made ready to ship, and its use: nothing here imports TensorFlow."""
