"""LiteRT Micro's recording of its arena beside our figure, and its answers beside LiteRT's.

    python benchmarks/micro.py FILE...

Needs `pip install tflite-micro`, tried on Linux with Python 3.11, in an environment that has maskopt too.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from maskopt.bundle.micro import arena_bytes
from maskopt.measuring.litert import Classifier
from maskopt.tflite.inspection import read_graph

PICTURES = 8
RUN = """
import sys, numpy
from tflite_micro.python.tflite_micro import runtime
file, arena = sys.argv[1], int(sys.argv[2])
interpreter = runtime.Interpreter.from_file(file, arena_size=arena)
interpreter.print_allocations()
for picture in numpy.load(sys.argv[3]):
    interpreter.set_input(picture[None], 0)
    interpreter.invoke()
    print("answer", *interpreter.get_output(0).ravel())
"""


def main() -> None:
    """Print a row for each file."""
    print("| file | arena by us | recorded | steps of 1/256 apart, at most |\n| --- | --- | --- | --- |")  # noqa: T201
    for name in sys.argv[1:]:
        file = Path(name)
        arena, classifier = arena_bytes(read_graph(file)), Classifier(file)
        pictures = np.random.default_rng(0).integers(0, 256, (PICTURES, *classifier.picture_shape), np.uint8)
        given = file.with_suffix(".pictures.npy")
        np.save(given, pictures)
        try:
            command = [sys.executable, "-c", RUN, str(file), str(arena), str(given)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        finally:
            given.unlink()
        recorded = int(re.findall(r"Arena allocation total (\d+)", done.stdout + done.stderr)[0])
        answers = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("answer")]
        apart = np.abs(np.array(answers, float) - 256 * classifier.scores(pictures)).max()
        print(f"| {name} | {arena:,} | {recorded:,} | {apart:.0f} |")  # noqa: T201


if __name__ == "__main__":
    main()
