"""The stages from pictures to arrays, on a folder of 60 drawn pictures."""

import json
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import photograph, write_classes
from PIL import Image

from maskopt import paths
from maskopt.data.rows import read_manifest
from maskopt.errors import InvalidData, MissingFile, NothingNew
from maskopt.params import Data, load_params
from maskopt.stages import split

CLASSES = ("cat", "dog")
ROWS = 30
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Params of the repository for the drawn pictures; the working folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    write_classes(tmp_path / "pictures", CLASSES, ROWS)
    data = Data(
        source="folder",
        path=tmp_path / "pictures",
        kaggle_dataset="a/b",
        classes=CLASSES,
        rows_per_class=ROWS,
        about=None,
    )
    whole = load_params(REPOSITORY / "params.yaml")
    return whole.model_copy(update={"data": data, "pixels": whole.pixels.model_copy(update={"sizes_px": (16, 24)})})


def with_extra(params):
    for label in CLASSES:
        (paths.INCOMING / "door" / label).mkdir(parents=True)
    asked = params.evaluation.model_copy(update={"extra": paths.INCOMING / "door"})
    return params.model_copy(update={"evaluation": asked})


def run(params, *names):
    for name in names:
        seed = ["0"] if name == "split" else []
        import_module(f"maskopt.stages.{name}").main(params, *seed)


def contents(folder):
    return {str(path): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_each_stage_reads_what_the_one_before_wrote(params):
    run(params, "fetch", "manifest", "validate", "split", "pixels")
    rows = pd.read_csv(paths.split(0))
    assert rows["path"].tolist() == pd.read_csv(paths.MANIFEST)["path"].tolist()
    assert set(rows["split"]) == {"train", "val", "test"}
    for size in (16, 24):
        assert np.load(paths.pixels(size)).shape == (2 * ROWS, size, size, 3)
    assert json.loads(paths.split_report(0).read_text())["pictures"] == 2 * ROWS
    assert pd.read_csv(paths.leaks(0)).columns.tolist()[:3] == ["path", "other", "kind"]
    assert json.loads((paths.VALIDATION / "result.json").read_text())["holds"]
    assert (paths.VALIDATION / "docs" / "index.html").is_file()


def test_pictures_of_another_source_become_arrays_without_those_of_the_data_set(params, caplog):
    run(params, "fetch", "manifest", "extra")
    assert read_manifest(paths.EXTRA_MANIFEST).empty
    params = with_extra(params)
    for i, label in enumerate(CLASSES):
        for row in range(3):
            photograph(1000 + 10 * i + row, 60, 40).save(paths.INCOMING / "door" / label / f"{row}.png")
    shutil.copy(paths.RAW / "cat" / "0.png", paths.INCOMING / "door" / "cat" / "again.png")
    run(params, "extra")
    rows = pd.read_csv(paths.EXTRA_MANIFEST)
    assert rows["path"].tolist() == [f"{label}/{row}.png" for label in CLASSES for row in range(3)]
    for size in (16, 24):
        assert np.load(paths.extra_pixels(size)).shape == (6, size, size, 3)
    assert "left out 1 of 7 pictures, which the data set holds: cat/again.png" in caplog.text


def test_pictures_of_the_data_set_that_were_saved_again_are_left_out(params, caplog):
    run(params, "fetch", "manifest")
    params = with_extra(params)
    # So coarse that the perceptual hash differs, too.
    Image.open(paths.RAW / "cat" / "0.png").save(paths.INCOMING / "door" / "cat" / "again.jpg", quality=5)
    photograph(99, 60, 40).save(paths.INCOMING / "door" / "cat" / "new.png")
    photograph(98, 60, 40).save(paths.INCOMING / "door" / "dog" / "new.png")
    run(params, "extra")
    assert pd.read_csv(paths.EXTRA_MANIFEST)["path"].tolist() == ["cat/new.png", "dog/new.png"]
    assert "left out 1 of 3 pictures, which the data set holds: cat/again.jpg" in caplog.text


def test_pictures_of_another_source_that_are_those_of_the_data_set_are_refused(params):
    run(params, "fetch", "manifest")
    params = with_extra(params)
    for label in CLASSES:
        shutil.copy(paths.RAW / label / "0.png", paths.INCOMING / "door" / label)
    with pytest.raises(NothingNew) as err:
        run(params, "extra")
    assert str(err.value) == (
        "all 2 pictures of data/incoming/door are in the data set too, so they show nothing new: "
        "give others, or set evaluation.extra in params.yaml to null"
    )
    assert not paths.EXTRA.exists()


def test_second_run_writes_the_same_bytes(params):
    stages = ("fetch", "manifest", "validate", "split", "pixels")
    run(params, *stages)
    first = contents("data")
    run(params, *stages)
    assert contents("data") == first


def test_other_seed_keeps_the_test_rows(params):
    run(params, "fetch", "manifest", "split")
    split.main(params, "1")
    first, second = (pd.read_csv(paths.split(seed))["split"] for seed in (0, 1))
    assert ((first == "test") == (second == "test")).all()
    assert (first != second).any()


def test_failed_expectation_stops_after_the_docs_are_written(params):
    photograph(5, 48, 48).save(params.data.path / "cat" / "more.png")
    run(params, "fetch", "manifest")
    with pytest.raises(InvalidData) as caught:
        run(params, "validate")
    assert str(caught.value) == (
        "the pictures are not what params.yaml expects:\n"
        "  cat has 30 pictures (data.rows_per_class): got 31\n"
        "See data/validation/docs/index.html; "
        "then mend the pictures, or data and validation in params.yaml, and run `dvc repro`"
    )
    assert "cat has 30 pictures" in (paths.VALIDATION / "docs" / "index.html").read_text()
    assert not json.loads((paths.VALIDATION / "result.json").read_text())["holds"]


@pytest.mark.parametrize(
    ("stage", "missing", "next_step"),
    [
        ("manifest", "data/raw", "dvc repro fetch"),
        ("validate", "data/manifest.csv", "dvc repro manifest"),
        ("split", "data/manifest.csv", "dvc repro manifest"),
        ("pixels", "data/manifest.csv", "dvc repro manifest"),
    ],
)
def test_stage_without_the_one_before_names_it(stage, missing, next_step, params):
    with pytest.raises(MissingFile) as caught:
        run(params, stage)
    assert str(caught.value) == f"{missing} is missing: run `{next_step}`"
