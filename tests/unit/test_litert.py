import numpy as np
import pytest

from maskopt.errors import MissingFile, NotAModel, WrongPictures
from maskopt.litert import Classifier


def test_float_scores_are_those_of_keras(tiny_files):
    scores = Classifier(tiny_files.float32).scores(tiny_files.pictures)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, tiny_files.expected, atol=1e-5)


@pytest.mark.parametrize(("name", "steps"), [("dynamic", 1), ("int8", 2)])
def test_quantised_scores_are_near_those_of_keras(tiny_files, name, steps):
    scores = Classifier(getattr(tiny_files, name)).scores(tiny_files.pictures)
    np.testing.assert_allclose(scores, tiny_files.expected, atol=steps / 256)


def test_threads_do_not_change_the_scores(tiny_files):
    one, two = (Classifier(tiny_files.int8, threads).scores(tiny_files.pictures) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_shapes_are_read_from_the_file(tiny_files):
    classifier = Classifier(tiny_files.int8)
    assert (classifier.picture_shape, classifier.n_classes) == ((8, 8, 3), 3)


def test_no_pictures_give_no_scores(tiny_files):
    assert Classifier(tiny_files.int8).scores(tiny_files.pictures[:0]).shape == (0, 3)


def test_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(MissingFile, match=r"int8.tflite is missing: run `dvc repro`"):
        Classifier(tmp_path / "int8.tflite")


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "notes.tflite"
    path.write_text("not a model")
    with pytest.raises(NotAModel, match=r"notes.tflite is not a .tflite file that can be used here: .* `dvc repro`"):
        Classifier(path)


def test_pictures_of_another_size_are_refused(tiny_files):
    with pytest.raises(WrongPictures, match=r"takes pictures of shape \(8, 8, 3\), got \(9, 8, 3\)\. Resize them"):
        Classifier(tiny_files.int8).scores(np.zeros((1, 9, 8, 3), np.uint8))
