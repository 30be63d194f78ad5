"""Messages with what users and files give: nothing steers a terminal, nothing fills it."""

import pytest

from maskopt.errors import MissingFile, UnknownName
from maskopt.problems import place


def test_message_shows_no_letter_that_steers_a_terminal():
    said = str(MissingFile("a\x1b[31m\u202e\udc80größe.csv", "write it\nthen run again"))
    assert said == "a\\x1b[31m\\u202e\\udc80größe.csv is missing: write it\nthen run again"


def test_long_message_keeps_its_start_and_its_end():
    said = str(MissingFile("a" * 10**6, "write it"))
    assert len(said) < 10_100
    assert said.startswith("aaa")
    assert said.endswith("aaa is missing: write it")


def test_long_name_leaves_room_for_what_is_known():
    assert str(UnknownName("variant", "q" * 10**6, ["qat"])) == f"unknown variant '{'q' * 100}...'; known: qat."


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
