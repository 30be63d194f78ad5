"""What is no file, or too large a one, is refused before it is read."""

import os
import re
from pathlib import Path

import pytest

from maskopt.description import describe
from maskopt.errors import NotAModel
from maskopt.readable import MODEL_BYTES


def test_huge_file_is_refused(tmp_path):
    file = tmp_path / "huge.tflite"
    file.touch()
    os.truncate(file, MODEL_BYTES + 1)  # of holes
    with pytest.raises(NotAModel) as err:
        describe(file)
    assert str(err.value) == (
        f"{file} is not a .tflite file that can be used here: it has 268,435,457 bytes, want at most 268,435,456. "
        "Make it again with `dvc repro`, or give another file"
    )


@pytest.mark.parametrize("name", ["door.png", "README.md"])
def test_file_that_no_stage_makes_is_not_to_be_made_again(tmp_path, name):
    file = tmp_path / name
    file.write_text("no model")
    with pytest.raises(NotAModel) as err:
        describe(file)
    assert str(err.value).startswith(f"{file} is not a .tflite file that can be used here: ")
    assert str(err.value).endswith(". Give a .tflite file, such as those in data/models")


def test_device_is_refused():
    with pytest.raises(NotAModel, match=re.escape("here: it is no file. Give")):
        describe(Path("/dev/zero"))
