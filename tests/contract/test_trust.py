"""docs/trust.md names tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def expand(path):
    """Return the paths that a shell makes of one with braces."""
    if "{" not in path:
        return [path]
    before, rest = path.split("{")
    names, after = rest.split("}")
    return [f"{before}{name}{after}" for name in names.split(",")]


def paths_in(text):
    words = [word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()]
    return sorted({path for word in words if word.startswith("tests/") for path in expand(word)})


NAMED = paths_in((ROOT / "docs" / "trust.md").read_text())


def test_paths_are_found_in_braces_and_in_commands():
    assert paths_in("`tests/a.py`, `pytest tests/{b,c}_d.py -k e` and tests/f.py") == [
        "tests/a.py",
        "tests/b_d.py",
        "tests/c_d.py",
    ]


@pytest.mark.parametrize("path", NAMED)
def test_named_test_is_there(path):
    assert (ROOT / path).exists()
