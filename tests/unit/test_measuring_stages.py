import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from maskopt import paths
from maskopt.data.rows import COLUMNS
from maskopt.errors import MissingFile
from maskopt.files import write_record
from maskopt.measuring.corruptions import CORRUPTIONS
from maskopt.params import Evaluation, load_params
from maskopt.stages import latency, measured
from maskopt.tflite.variants import VARIANTS

BACKBONE = "separable"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def params():
    loaded = load_params(REPOSITORY / "params.yaml")
    timing = loaded.latency.model_copy(update={"warmup_runs": 1, "runs": 5})
    return loaded.model_copy(update={"latency": timing, "backbones": (BACKBONE,)})


@pytest.fixture
def run(tiny_files, tmp_path, monkeypatch, params):
    """A finished run: six pictures, one each to train and to validate with, and the tiny files as every variant."""
    monkeypatch.chdir(tmp_path)
    said = tiny_files.expected.argmax(axis=1)
    assert set(said) == {1}
    labels = [params.data.classes[i] for i in (0, 0, 1, 1, 2, 2)]
    split = ["test", "train", "test", "val", "test", "test"]
    frame = pd.DataFrame({"path": [f"{i}.png" for i in range(6)], "label": labels, "split": split, "group": range(6)})
    paths.PIXELS.mkdir(parents=True)
    paths.SPLITS.mkdir()
    frame.to_csv(paths.split(0), index=False)
    np.save(paths.pixels(8), tiny_files.pictures)
    paths.EXTRA.mkdir()
    pd.DataFrame(columns=list(COLUMNS)).to_csv(paths.EXTRA_MANIFEST, index=False)
    for variant, promise in VARIANTS.items():
        write_record(paths.facts(BACKBONE, variant, 0), {"weights_source": "none", "epochs": 3})
        for name in promise.formats:
            shutil.copy(getattr(tiny_files, name), paths.tflite(BACKBONE, variant, 0, name))


@pytest.mark.usefixtures("run")
def test_metrics_hold_facts_and_figures_of_each_format(params):
    measured.main(params, BACKBONE, "finetuned", "0")
    metrics = json.loads(paths.metrics(BACKBONE, "finetuned", 0).read_text())
    assert metrics["training"] == {"weights_source": "none", "epochs": 3}
    assert list(metrics["formats"]) == ["float32", "dynamic", "int8"]
    int8 = metrics["formats"]["int8"]
    assert (int8["correct"], int8["total"], int8["accuracy"]) == (1, 4, 0.25)
    assert int8["val_accuracy"] == 1
    assert int8["confusion"]["with_mask"] == {"with_mask": 0, "without_mask": 1, "mask_weared_incorrect": 0}
    assert int8["sparsity"] == 0.25


@pytest.mark.usefixtures("run")
def test_accuracy_on_corrupted_pictures_is_there_if_params_ask_for_it(params):
    def corrupted():
        formats = json.loads(paths.metrics(BACKBONE, "finetuned", 0).read_text())["formats"]
        return {name: figures.get("corrupted") for name, figures in formats.items()}

    measured.main(params, BACKBONE, "finetuned", "0")
    assert corrupted() == {"float32": None, "dynamic": None, "int8": None}
    asked = Evaluation(corruptions=True, attributes=None, extra=None)
    measured.main(params.model_copy(update={"evaluation": asked}), BACKBONE, "finetuned", "0")
    for figures in corrupted().values():
        assert list(figures) == list(CORRUPTIONS)
        assert all(0 <= accuracy <= 1 for by in figures.values() for accuracy in by.values())
        assert all(list(by) == ["1", "2", "3"] for by in figures.values())


@pytest.mark.usefixtures("run")
def test_corrupted_pictures_are_those_of_the_test_split_worse_by_each_severity(params, monkeypatch):
    """Of a classifier that calls bright pictures the last class and others the first."""

    def scores(pictures):
        return np.eye(3)[np.where(pictures.mean(axis=(1, 2, 3)) > 100, 2, 0)]

    monkeypatch.setattr(measured, "Classifier", lambda _: SimpleNamespace(picture_shape=(8, 8, 3), scores=scores))
    np.save(paths.pixels(8), np.full((6, 8, 8, 3), 200, np.uint8))  # 120, 80 and 50 with less light
    asked = Evaluation(corruptions=True, attributes=None, extra=None)
    measured.main(params.model_copy(update={"evaluation": asked}), BACKBONE, "qat", "0")
    corrupted = json.loads(paths.metrics(BACKBONE, "qat", 0).read_text())["formats"]["int8"]["corrupted"]
    assert corrupted["dark"] == {"1": 0.5, "2": 0.25, "3": 0.25}
    assert corrupted["blur"] == {"1": 0.5, "2": 0.5, "3": 0.5}


@pytest.mark.usefixtures("run")
def test_pictures_of_another_source_are_measured_where_there_are_some(params, tiny_files):
    measured.main(params, BACKBONE, "finetuned", "0")
    assert "extra" not in json.loads(paths.metrics(BACKBONE, "finetuned", 0).read_text())["formats"]["int8"]
    rows = pd.DataFrame({name: ["0"] * 3 for name in COLUMNS})
    rows.assign(label=["with_mask", "without_mask", "without_mask"]).to_csv(paths.EXTRA_MANIFEST, index=False)
    np.save(paths.extra_pixels(8), tiny_files.pictures[:3])
    measured.main(params, BACKBONE, "finetuned", "0")
    extra = json.loads(paths.metrics(BACKBONE, "finetuned", 0).read_text())["formats"]["int8"]["extra"]
    assert (extra["correct"], extra["total"]) == (2, 3)
    assert extra["recall"] == {"with_mask": 0.0, "without_mask": 1.0, "mask_weared_incorrect": None}


@pytest.mark.usefixtures("run")
def test_predictions_name_each_test_picture_in_order(params):
    measured.main(params, BACKBONE, "pruned", "0")
    rows = pd.read_csv(paths.predictions(BACKBONE, "pruned", 0))
    assert rows["path"].tolist() == ["0.png", "2.png", "4.png", "5.png"]
    assert list(rows.columns) == ["path", "label", "dynamic", "dynamic_confidence", "int8", "int8_confidence"]
    assert rows["int8_confidence"].between(1 / 3, 1).all()
    assert set(rows["int8"]) == {"without_mask"}


@pytest.mark.usefixtures("run")
def test_each_answer_is_about_its_own_picture(params, monkeypatch):
    """Of a classifier that reads the class off the first value v of a picture, and is sure of it by 0.5 + v / 100."""

    def scores(pictures):
        values = pictures[:, 0, 0, 0].astype(int)
        sure = 0.5 + values / 100
        return np.where(np.arange(3) == values[:, None] % 3, sure[:, None], 0.5 - sure[:, None] / 2)

    def filled(*values):
        return np.full((6, 8, 8, 3), np.array(values, np.uint8)[:, None, None, None])

    monkeypatch.setattr(measured, "Classifier", lambda _: SimpleNamespace(picture_shape=(8, 8, 3), scores=scores))
    classes = params.data.classes
    np.save(paths.pixels(8), filled(0, 1, 2, 4, 5, 3))
    np.save(paths.extra_pixels(8), filled(0, 0, 1, 1, 1, 1))
    extra = pd.DataFrame({name: ["0"] * 6 for name in COLUMNS}).assign(label=classes[1])
    extra.to_csv(paths.EXTRA_MANIFEST, index=False)
    measured.main(params, BACKBONE, "qat", "0")
    rows = pd.read_csv(paths.predictions(BACKBONE, "qat", 0))
    assert rows[["path", "int8", "int8_confidence"]].to_numpy().tolist() == [
        ["0.png", classes[0], 0.5],
        ["2.png", classes[2], 0.52],
        ["4.png", classes[2], 0.55],
        ["5.png", classes[0], 0.53],
    ]
    figures = json.loads(paths.metrics(BACKBONE, "qat", 0).read_text())["formats"]["int8"]
    assert (figures["correct"], figures["total"]) == (2, 4)  # labels of the four: 0, 1, 2, 2
    assert figures["val_accuracy"] == 1  # picture 3
    assert (figures["extra"]["correct"], figures["extra"]["total"]) == (4, 6)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(("right_when_sure", "unsure_share"), [(1.0, 0.75), (0.75, 0)])
def test_share_of_unsure_answers_is_of_the_validation_pictures(params, monkeypatch, right_when_sure, unsure_share):
    """Of a classifier whose second answer of four is wrong; it is sure of them by 0.9, 0.8, 0.7 and 0.6."""
    rows = pd.read_csv(paths.split(0)).assign(split=["test", "test", "val", "val", "val", "val"])
    rows.to_csv(paths.split(0), index=False)
    val_scores = np.array([[0.1, 0.9, 0], [0.8, 0.2, 0], [0, 0.3, 0.7], [0, 0.4, 0.6]], np.float32)
    asked = SimpleNamespace(picture_shape=(8, 8, 3), scores=lambda pictures: val_scores[-len(pictures) :])
    monkeypatch.setattr(measured, "Classifier", lambda _: asked)
    bundle = params.bundle.model_copy(update={"right_when_sure": right_when_sure})
    measured.main(params.model_copy(update={"bundle": bundle}), BACKBONE, "qat", "0")
    figures = json.loads(paths.metrics(BACKBONE, "qat", 0).read_text())["formats"]["int8"]
    assert figures["unsure_share"] == unsure_share


@pytest.mark.usefixtures("run")
def test_constants_are_those_of_each_format(params):
    measured.main(params, BACKBONE, "finetuned", "0")
    rows = pd.read_csv(paths.constants(BACKBONE, "finetuned", 0))
    assert rows["format"].unique().tolist() == ["float32", "dynamic", "int8"]
    total = rows[rows["format"] == "int8"]["entropy_bytes"].sum()
    formats = json.loads(paths.metrics(BACKBONE, "finetuned", 0).read_text())["formats"]
    assert formats["int8"]["entropy_bytes"] == round(total)


@pytest.mark.usefixtures("run")
def test_measuring_twice_gives_the_same_bytes(params):
    def measure():
        measured.main(params, BACKBONE, "baseline", "0")
        return paths.metrics(BACKBONE, "baseline", 0).read_bytes(), paths.predictions(
            BACKBONE, "baseline", 0
        ).read_bytes()

    assert measure() == measure()


@pytest.mark.usefixtures("run")
def test_missing_pixels_say_what_to_run(params):
    paths.pixels(8).unlink()
    with pytest.raises(MissingFile, match=r"pixels/8.npy is missing: add 8 to pixels.sizes_px in params.yaml"):
        measured.main(params, BACKBONE, "baseline", "0")


@pytest.mark.usefixtures("run")
def test_missing_split_says_what_to_run(params):
    paths.split(0).unlink()
    with pytest.raises(MissingFile, match=r"split/0.csv is missing: run `dvc repro split`"):
        measured.main(params, BACKBONE, "baseline", "0")


@pytest.mark.usefixtures("run")
def test_missing_facts_say_what_to_run(params):
    paths.facts(BACKBONE, "baseline", 0).unlink()
    with pytest.raises(MissingFile, match=r"baseline/facts.json is missing: run `dvc repro`"):
        measured.main(params, BACKBONE, "baseline", "0")


@pytest.mark.usefixtures("run")
def test_latency_is_written_for_each_format_and_number_of_threads(params):
    latency.main(params)
    assert sorted(path.stem for path in (paths.LATENCY / BACKBONE).iterdir()) == sorted(VARIANTS)
    formats = json.loads(paths.latency(BACKBONE, "finetuned").read_text())["formats"]
    assert list(formats) == ["float32", "dynamic", "int8"]
    assert list(formats["int8"]) == ["threads_1", "threads_2"]
    assert 0 < formats["int8"]["threads_1"]["median_ms"] <= formats["int8"]["threads_1"]["p95_ms"]


def test_only_training_imports_tensorflow():
    data = ("fetch", "manifest", "validate", "split", "pixels", "shortcuts", "attributes", "extra")
    idle = ("weights", "teacher_weights", "crossed")  # without work for it
    stages = ", ".join(f"maskopt.stages.{name}" for name in (*data, *idle, "measured", "latency", "report"))
    code = f"import sys, {stages}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
