"""`python tests/fuzz/fuzz.py TARGET [-runs=50000 ...]`: Atheris feeds a target what makes it take new paths.

It begins with the files of `corpus`, and keeps what it finds below the folder for temporary files.
"""

import logging
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent


def main() -> None:
    """Fuzz the target that the command line names; other arguments are those of libFuzzer."""
    _, name, *options = sys.argv
    logging.disable(logging.WARNING)
    found, seeds = Path(tempfile.gettempdir()) / "maskopt-fuzz" / name, HERE / "corpus" / name
    with atheris.instrument_imports(include=["maskopt"]):
        sys.path.insert(0, str(HERE))
        from targets import TARGETS

        for seed in seeds.iterdir():
            TARGETS[name](seed.read_bytes())  # some import what they need when they are asked
    found.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(found), str(seeds)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
