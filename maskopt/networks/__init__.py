"""Networks: those of Keras and hand-made ones."""
