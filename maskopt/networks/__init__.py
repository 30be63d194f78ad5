"""Hand-made small networks."""
