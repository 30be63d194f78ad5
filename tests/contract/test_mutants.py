"""Changes that tests must notice can still be made: each place is there once, and so are the tests named."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MUTANTS = tomllib.loads((ROOT / "tests/mutants/mutants.toml").read_text())["mutant"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant["name"] for mutant in MUTANTS])
def test_mutant_changes_one_place_and_names_tests_that_are_there(mutant):
    assert (ROOT / mutant["file"]).read_text().count(mutant["old"]) == 1
    assert mutant["new"] != mutant["old"]
    assert mutant["tests"]
    assert all((ROOT / test).exists() for test in mutant["tests"])


def test_names_are_given_once():
    names = [mutant["name"] for mutant in MUTANTS]
    assert len(set(names)) == len(names)
