"""Train, compress and measure small image classifiers."""
