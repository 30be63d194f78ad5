"""What a training stage leaves behind, well or not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from maskopt import paths
from maskopt.errors import LostTechnique
from maskopt.files import write_record
from maskopt.params import Trunk
from maskopt.stages.shared.branch import Branch, spread
from maskopt.tflite.origin import read_origin
from maskopt.training.pictures import digest

BACKBONE = "small"
TRUNK = Trunk(architecture="separable", width=1, depth=1, until=None)
SIZE_PX = 16  # the least of the network
CLASSES = ("one", "two", "three")
SETTINGS = {"epochs": 2}
CURVES = pd.DataFrame({"epoch": [0, 1], "val_loss": [1.0, 0.5]})


@pytest.fixture
def branch(toy, tmp_path, monkeypatch):
    """A function that returns where the stage of a variant works."""
    monkeypatch.chdir(tmp_path)
    pixels = np.zeros((4, SIZE_PX, SIZE_PX, 3), np.uint8)
    train = type(toy.train)(pixels, np.zeros(4, np.int64), 3)
    trainer = type(toy)(train, toy.val, toy.preprocessing, toy.params, 0, "toy")
    write_record(paths.start_facts(BACKBONE), {"weights": "none"})
    write_record(paths.teacher_facts(0), {})
    for parent in ("baseline", "finetuned"):
        write_record(paths.facts(BACKBONE, parent, 0), {"weights": "a file", "epochs": 7, "seed": 0})
    write_record(paths.origin(BACKBONE, "baseline", 0), {"network": BACKBONE, "steps": [{"variant": "baseline"}]})
    write_record(paths.origin(BACKBONE, "finetuned", 0), {"network": BACKBONE, "steps": [{"variant": "baseline"}]})
    return lambda variant: Branch(BACKBONE, variant, TRUNK, SIZE_PX, CLASSES, trainer, n_examples=2, aspect="crop")


def test_files_of_a_variant_are_those_that_others_read(branch):
    at = branch("finetuned")
    model = at.model
    at.save(model, CURVES, SETTINGS)
    place = (BACKBONE, "finetuned", 0)
    assert all(paths.tflite(*place, name).is_file() for name in ("float32", "dynamic", "int8"))
    assert json.loads(paths.facts(*place).read_text()) == {"weights": "a file", "epochs": 2, "seed": 0}
    assert pd.read_csv(paths.curves(*place)).equals(CURVES)
    assert set(pd.read_csv(paths.layers(*place))["technique"]) == {"dynamic range"}
    for loaded, saved in zip(branch("pruned").load().get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)


def test_first_model_says_what_it_is_made_of(branch):
    write_record(paths.teacher_facts(0), {"weights": "of the teacher"})
    at = branch("baseline")
    at.save(at.model, CURVES, SETTINGS)
    origin = json.loads(paths.origin(BACKBONE, "baseline", 0).read_text())
    assert origin["network"] == BACKBONE
    assert origin["classes"] == list(CLASSES)
    assert origin["trunk"]["architecture"] == "separable"
    assert (origin["aspect"], origin["representative_pictures"]) == ("crop", 2)
    assert origin["pictures"] == digest(at.trainer.train, at.trainer.val)
    assert origin["weights"] == "none"
    assert origin["teacher"] == {"weights": "of the teacher"}
    assert origin["training"]["label_smoothing"] == 0.1
    assert origin["steps"] == [{"variant": "baseline", "epochs": 2}]
    assert read_origin(paths.tflite(BACKBONE, "baseline", 0, "float32")) == origin


def test_later_models_say_what_they_stand_on(branch):
    at = branch("finetuned")
    at.save(at.model, CURVES, SETTINGS)
    for name in ("float32", "dynamic", "int8"):
        origin = read_origin(paths.tflite(BACKBONE, "finetuned", 0, name))
        assert [step["variant"] for step in origin["steps"]] == ["baseline", "finetuned"]


def test_saved_stage_has_nothing_to_go_on_with(branch):
    left, of_another = (paths.unfinished(name) / "code" for name in ("finetuned@small-0", "finetuned@small-1"))
    for folder in (left, of_another):
        folder.mkdir(parents=True)
    at = branch("finetuned")
    at.save(at.model, CURVES, SETTINGS)
    assert not left.parent.exists()
    assert of_another.is_dir()


def test_lost_technique_leaves_nothing_and_keeps_what_was_there(branch):
    before = Path(paths.model(BACKBONE, "pruned", 0), "before")
    before.parent.mkdir(parents=True)
    before.touch()
    at = branch("pruned")
    with pytest.raises(LostTechnique, match=r"pruning was lost in the dynamic file, layer '\w+'"):
        at.save(at.model, CURVES, SETTINGS, final_sparsity=0.2)
    assert {path.name for path in before.parent.parent.iterdir()} == {"baseline", "finetuned", "pruned"}
    assert [path.name for path in before.parent.iterdir()] == ["before"]
    assert not paths.curves(BACKBONE, "pruned", 0).exists()


@pytest.mark.parametrize(("n", "rows"), [(3, [0, 4, 9]), (1, [0]), (20, list(range(10)))])
def test_examples_are_spread_over_all_pictures(n, rows):
    pixels = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    assert spread(pixels, n).ravel().tolist() == rows


def test_layer_that_was_reached_and_has_no_kernel_is_missed(branch):
    at = branch("pruned")
    with pytest.raises(LostTechnique, match="a pruned or clustered layer was lost in the dynamic file"):
        at.save(at.model, CURVES, SETTINGS, {"pruned": lambda _: None})  # batch-norm, too, which has no kernel
