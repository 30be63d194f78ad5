"""Messages with what users and files give: nothing steers a terminal, nothing fills it."""

import inspect
from pathlib import Path

import pytest

import flows.errors
import maskopt.errors
from maskopt.errors import MissingFile, UnknownName
from maskopt.problems import place


def test_message_shows_no_letter_that_steers_a_terminal():
    said = str(MissingFile("a\x1b[31m\u202e\udc80größe.csv", "write it\nthen run again"))
    assert said == "a\\x1b[31m\\u202e\\udc80größe.csv is missing: write it\nthen run again"


OF_OURS = {"InvalidParams", "BrokenTable", "InvalidData", "NoBundle"}  # whose paths nobody but us gives
WITH_PATHS = [
    error
    for module in (maskopt.errors, flows.errors)
    for name, error in inspect.getmembers(module, inspect.isclass)
    if name not in OF_OURS and error.__module__ == module.__name__ and "path" in str(inspect.signature(error)).lower()
]


def example(annotation):
    """Return what may be given for a parameter: for paths, one of two lines."""
    if "Path" in str(annotation):
        return Path("a\nb")
    return {"str": "c", "int": 1}.get(getattr(annotation, "__name__", ""), ["d"])


@pytest.mark.parametrize("error", WITH_PATHS)
def test_path_stays_in_one_line_of_its_message(error):
    said = str(error(*(example(each.annotation) for each in inspect.signature(error).parameters.values())))
    assert "a\\nb" in said
    assert "a\nb" not in said


def test_long_message_keeps_its_start_and_its_end():
    said = str(MissingFile("a" * 10**6, "write it"))
    assert len(said) < 10_100
    assert said.startswith("aaa")
    assert said.endswith("aaa is missing: write it")


def test_long_name_leaves_room_for_what_is_known():
    assert str(UnknownName("variant", "q" * 10**6, ["qat"])) == f"unknown variant '{'q' * 100}...'; known: qat."


def test_of_many_names_the_nearest_are_told():
    known = ["pruned", "qat@small", *(f"stage-{i}" for i in range(40))]
    told = str(UnknownName("target", "qat@smal", known))
    assert told.startswith("unknown target 'qat@smal'; 42 are known, the nearest: qat@small, ")
    assert told.endswith(". Did you mean 'qat@small'?")
    assert told.count(",") == 10


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("networks", "größe", 0), "networks.größe.0"),
        (("prune", "a\nb\x1b"), "prune.'a\\nb\\x1b'"),
        (("k" * 1000, "x"), f"'{'k' * 47}...{'k' * 48}'.x"),
    ],
)
def test_keys_of_others_are_shown_short_and_safe(keys, said):
    assert place(keys) == said
