"""What holds for every test: one thread, the same random numbers in whatever order the tests run."""

import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def configured():
    """TensorFlow fixes its threads when it first computes; a test that does not import it need not wait for it."""
    if "maskopt.keras" in sys.modules:
        from maskopt.keras import configure

        configure(seed=0, threads=1)


@pytest.fixture(autouse=True)
def seeded(configured):  # noqa: ARG001
    """Start each test from the same random numbers."""
    if "maskopt.keras" in sys.modules:
        from maskopt.keras import keras

        keras.utils.set_random_seed(0)
