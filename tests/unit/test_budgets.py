"""The best model within a budget, of a run of several seeds."""

import importlib
from pathlib import Path

import pytest

from maskopt import paths
from maskopt.bundle.description import best
from maskopt.files import write_record

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
