"""The best model within a budget, of a run of several seeds."""

import importlib
from pathlib import Path

import pandas as pd
import pytest

from maskopt import paths
from maskopt.bundle.description import best
from maskopt.files import write_record

PARAMS = Path(__file__).parents[2] / "params.yaml"
COUNTS = {"pruned": (290, 285, 293), "clustered": (289, 285, 294)}  # as many together, of 303 in each seed


@pytest.fixture
def budgets(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return importlib.import_module("budgets")


def test_of_models_that_are_right_as_often_the_smallest_is_the_best(budgets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        classes = {label: {"val": 101} for label in ("a", "b", "c")}
        write_record(paths.split_report(seed), {"classes": classes})
        for variant, counts in COUNTS.items():
            figures = {"val_accuracy": round(counts[seed] / 303, 6), "gzip_bytes": len(variant) + seed}
            write_record(paths.metrics("net", variant, seed), {"formats": {"int8": figures}})
    found = {variant: budgets.summarize(("net", variant, "int8"), range(3)) for variant in COUNTS}
    assert found["pruned"]["val_accuracy"] == found["clustered"]["val_accuracy"] == 868 / 909
    assert found["pruned"]["gzip_bytes"] == 8
    assert best(found) == "pruned"


def test_models_that_are_named_are_compared_without_the_others(budgets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths.PARAMS.write_bytes(PARAMS.read_bytes())
    write_record(paths.split_report(0), {"classes": {"a": {"val": 4}}})
    right_answers = {("mobilenet_v2", "finetuned", "float32"): 4, ("net", "qat", "int8"): 3}
    for (backbone, variant, name), n_right in right_answers.items():
        figures = {"val_accuracy": n_right / 4, "gzip_bytes": 1000 * n_right}
        write_record(paths.metrics(backbone, variant, 0), {"formats": {name: figures}})
        answers = ["a"] * n_right + ["b"] * (4 - n_right)
        file = paths.predictions(backbone, variant, 0)
        file.parent.mkdir(parents=True)
        pd.DataFrame({"label": ["a"] * 4, name: answers}).to_csv(file, index=False)
    budgets.main("net/qat/int8")
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [[cell.strip() for cell in row.split("|")][2:6] for row in rows] == [
        ["mobilenet_v2/finetuned/float32", "4,000", "100.00%", "100.00%"],
        ["net/qat/int8", "3,000", "75.00%", "75.00%"],
    ]
    assert "-25.00 (" in rows[1]
