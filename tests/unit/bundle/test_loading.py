"""`maskopt.load`: a bundle and pictures -> answers, or why it cannot be used."""

import json
import subprocess
import sys

import numpy as np
import pytest
from bundles import CLASSES, picture
from PIL import Image

import maskopt
from maskopt.bundle.description import FILE, MODEL
from maskopt.errors import BrokenBundle, MissingFile, NotAModel, UnreadablePicture, WrongArray


def test_file_image_and_array_get_the_same_answer(bundle, tmp_path):
    picture().save(tmp_path / "a.png")
    opened = maskopt.load(bundle)
    answers = [opened.classify(given).scores for given in (tmp_path / "a.png", picture(), np.asarray(picture()))]
    assert answers[0] == answers[1] == answers[2]


def test_picture_is_turned_as_its_exif_says(bundle, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    picture().save(tmp_path / "turned.png", exif=exif)
    opened = maskopt.load(bundle)
    upright = picture().transpose(Image.Transpose.ROTATE_270)
    assert opened.classify(tmp_path / "turned.png").scores == opened.classify(upright).scores


def test_answer_under_the_threshold_is_unsure(bundle):
    answer = maskopt.load(bundle).classify(picture())
    assert (answer.label, answer.is_sure, answer.text) == ("without_mask", False, "unsure")
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"unsure_below": 0.2}))
    answer = maskopt.load(bundle).classify(picture())
    assert (answer.is_sure, answer.text) == (True, "without_mask")
    assert answer.confidence == max(answer.scores.values())
    assert answer.ms > 0


def test_api_imports_no_tensorflow(bundle):
    code = f"import sys, maskopt; maskopt.load({str(bundle)!r}); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_changed_model_is_refused(bundle):
    with (bundle / MODEL).open("ab") as file:
        file.write(b"x")
    with pytest.raises(BrokenBundle, match=r"tiny/model.tflite is not what `maskopt bundle` wrote: SHA-256 \w+, want"):
        maskopt.load(bundle)


def test_folders_and_huge_files_in_a_bundle_are_refused(bundle):
    (bundle / MODEL).unlink()
    (bundle / MODEL).mkdir()
    with pytest.raises(
        NotAModel, match=r"model\.tflite is not a \.tflite file that can be used here: it is a folder\. M"
    ):
        maskopt.load(bundle)
    (bundle / FILE).write_bytes(b" " * (2**20 + 1))
    with pytest.raises(
        BrokenBundle, match=r"model\.json is not .+: it has 1,048,577 bytes, want at most 1,048,576\. Make"
    ):
        maskopt.load(bundle)
    (bundle / FILE).unlink()
    (bundle / FILE).mkdir()
    with pytest.raises(BrokenBundle, match=r"model\.json is not what `maskopt bundle` wrote: it is a folder\. Make"):
        maskopt.load(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"network": 1}', '{"classes": []}'])
def test_description_of_something_else_is_refused(bundle, text):
    (bundle / FILE).write_text(text)
    with pytest.raises(BrokenBundle, match=r"tiny/model\.json is not what `maskopt bundle` wrote: "):
        maskopt.load(bundle)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"classes": CLASSES[:2]}, "it names 2 classes, the model 3"),
        ({"classes": [*CLASSES, "scarf"]}, "it names 4 classes, the model 3"),
        ({"height_px": 1000000}, "it says pictures of shape (1000000, 8, 3), the model takes (8, 8, 3)"),
        ({"width_px": 9}, "it says pictures of shape (8, 9, 3), the model takes (8, 8, 3)"),
    ],
)
def test_description_of_another_model_is_refused(bundle, change, reason):
    said = json.loads((bundle / FILE).read_text())
    part = said if "classes" in change else said["input"]
    part.update(change)
    (bundle / FILE).write_text(json.dumps(said))
    with pytest.raises(BrokenBundle) as err:
        maskopt.load(bundle)
    assert str(err.value) == (
        f"bundles/tiny/model.json is not what `maskopt bundle` wrote: {reason}. Make the bundle again"
    )


def test_folder_that_is_no_bundle_says_how_to_make_one(tmp_path):
    with pytest.raises(MissingFile, match=r"model\.json is missing: make a bundle with `maskopt bundle N"):
        maskopt.load(tmp_path)


def test_unreadable_picture_is_an_error_of_ours(bundle, tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    with pytest.raises(UnreadablePicture):
        maskopt.load(bundle).classify(tmp_path / "no.png")


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (np.zeros((20, 10, 3), np.float32), "shape (20, 10, 3) of float32"),
        (np.zeros((20, 10), np.uint8), "shape (20, 10) of uint8"),
        (np.zeros((20, 10, 4), np.uint8), "shape (20, 10, 4) of uint8"),
        (np.zeros((1, 20, 10, 3), np.uint8), "shape (1, 20, 10, 3) of uint8"),
        (np.zeros((0, 10, 3), np.uint8), "shape (0, 10, 3) of uint8"),
        (b"", "bytes"),
    ],
)
def test_array_that_is_no_picture_is_refused(bundle, given, got):
    with pytest.raises(WrongArray) as err:
        maskopt.load(bundle).classify(given)
    assert str(err.value) == (
        f"want a picture as an array of shape (H, W, 3) of uint8, RGB from 0 to 255, got {got}. "
        "Convert it, or give a path or an image of Pillow, which may be grey or transparent"
    )
