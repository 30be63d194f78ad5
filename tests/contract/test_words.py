"""Every name that a report uses is explained in it, and docs/reading.md says the same."""

from pathlib import Path

import pytest

from maskopt.report.words import WORDS
from maskopt.tflite.convert import FORMATS
from maskopt.tflite.variants import VARIANTS

READING = (Path(__file__).parents[2] / "docs/reading.md").read_text()


@pytest.mark.parametrize("name", [*VARIANTS, *FORMATS])
def test_variant_and_format_are_explained(name):
    assert name in WORDS


def test_reading_has_the_same_words():
    rows = [line for line in READING.split("## Words")[1].replace("`", "").splitlines() if line.startswith("| ")]
    assert rows[2:] == [f"| {word} | {meaning} |" for word, meaning in WORDS.items()]
