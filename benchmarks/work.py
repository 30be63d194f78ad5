"""A training stage, and the CPU seconds of its work: `python benchmarks/work.py MODULE ARGUMENT...` prints them last.

Its work is training and conversion, with what Keras and TensorFlow take to trace them.
"""

import runpy
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from machine import say

import maskopt.tflite.convert as conversion
from maskopt.training.trainer import Trainer

spent: list[float] = []


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Note the CPU seconds of each call."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        before = time.process_time()
        try:
            return function(*args, **options)
        finally:
            spent.append(time.process_time() - before)

    return call


def main() -> None:
    """Run the stage as DVC would."""
    Trainer.fit_batches = timed(Trainer.fit_batches)  # type: ignore[method-assign]
    conversion.convert = timed(conversion.convert)  # before a stage imports it
    sys.argv = sys.argv[1:]
    with suppress(SystemExit):
        runpy.run_module(sys.argv[0], run_name="__main__")
    say(f"{sum(spent):.3f}")


if __name__ == "__main__":
    main()
