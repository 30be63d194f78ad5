"""Changes that break a promise -> whether the tests named for them notice: `python tests/mutants/run.py [WORD]`.

Works in a clone of the last commit. A word chooses the mutants whose name holds it. Exit code 1: one was not noticed.
"""

import argparse
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
PATIENCE_SECONDS = 1800
FAILED = 1  # exit code of pytest


def main() -> int:
    """Print a line per mutant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="?", default="", help="in the names of the mutants to run")
    word = parser.parse_args().word
    chosen = [mutant for mutant in tomllib.loads(LIST.read_text())["mutant"] if word in mutant["name"]]
    with TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        noticed = sum(tell(mutant, Path(folder)) for mutant in chosen)
    say(f"{noticed} of {len(chosen)} noticed")
    return int(noticed < len(chosen))


def tell(mutant: dict[str, Any], clone: Path) -> bool:
    """Change one place, run the tests, take the change back; return whether a test failed."""
    file = clone / mutant["file"]
    whole = file.read_text()
    file.write_text(whole.replace(mutant["old"], mutant["new"]))
    try:
        code, line = run_tests(clone, mutant)
    finally:
        file.write_text(whole)
    say(f"{'noticed' if code == FAILED else f'NOT NOTICED (pytest ended with {code})'}: {mutant['name']}: {line}")
    return code == FAILED


def run_tests(clone: Path, mutant: dict[str, Any]) -> tuple[int, str]:
    """Return the exit code of pytest, and the first test that failed or its last line."""
    options = ["-x", "-q", "-p", "no:cacheprovider", *(["-m", "slow or not slow"] if mutant.get("slow") else [])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *mutant["tests"]],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    lines = done.stdout.splitlines() or done.stderr.splitlines() or [""]
    return done.returncode, next((line for line in lines if line.startswith(("FAILED", "ERROR"))), lines[-1])


def say(line: str) -> None:
    """Print at once: all of them take long."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
