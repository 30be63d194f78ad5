"""The stages from pictures to arrays, on a folder of 60 drawn pictures."""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import photograph, write_classes

from maskopt import paths
from maskopt.errors import InvalidData, MissingFile
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
    data = Data(source="folder", path=tmp_path / "pictures", kaggle_dataset="a/b", classes=CLASSES, rows_per_class=ROWS)
    whole = load_params(REPOSITORY / "params.yaml")
    return whole.model_copy(update={"data": data, "pixels": whole.pixels.model_copy(update={"sizes_px": (16, 24)})})


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
    assert json.loads((paths.VALIDATION / "result.json").read_text())["holds"]
    assert (paths.VALIDATION / "docs" / "index.html").is_file()


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
