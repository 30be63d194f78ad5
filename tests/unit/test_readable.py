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
        f"{file} is not a .tflite file that can be used here: it has 1,073,741,825 bytes, want at most 1,073,741,824. "
        "Make it again with `dvc repro`, or give another file"
    )


def test_device_is_refused():
    with pytest.raises(NotAModel, match=re.escape("here: it is no file. Make")):
        describe(Path("/dev/zero"))
