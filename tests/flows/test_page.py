from pathlib import Path

import pandas as pd
import pytest

from flows.graph import Settings, Stage, read_graph
from flows.page import list_changes, read_frame, tell_if_out_of_date, tell_of_latency

TIMES = Path("data/latency/small/qat.json")


def graph_of(*, changed):
    return {"latency": Stage("latency", frozenset(), changed, Settings())}


def test_report_of_other_code_or_params_is_told(new_workspace):
    workspace = new_workspace({"a": {"cmd": "echo 1 > a"}})
    assert tell_if_out_of_date(read_graph(workspace.root)) == (
        "1 stages have changed since they ran, the first of them a: run `maskopt run`"
    )
    workspace.dvc("repro")
    assert tell_if_out_of_date(read_graph(workspace.root)) is None


def test_classes_that_look_like_something_else_stay_names(tmp_path):
    rows = pd.DataFrame({"true": ["1", "None", "true"], "predicted": ["NA", "2.0", "-"], "pictures": [1, 2, 3]})
    rows.to_csv(tmp_path / "confusion.csv", index=False)
    pd.testing.assert_frame_equal(read_frame(tmp_path / "confusion.csv"), rows)


def changes_of(accuracy, **counts):
    """Changes of one file, as DVC tells them; a class -> its pictures before and now."""
    figures = {f"confusion.{name}.{name}": count for name, count in counts.items()} | {"accuracy": accuracy}
    both = {name: {"old": old, "new": new} for name, (old, new) in figures.items()}
    told = {f"formats.int8.{name}": change for name, change in both.items() if change["old"] != change["new"]}
    return {"data/metrics/seed-0/small/qat.json": told}


def test_changes_of_the_same_classes_are_listed():
    changes = list_changes(changes_of((0.5, 0.75), cat=(3, 4)))
    assert changes.to_numpy().tolist() == [["seed-0/small/qat", "int8.accuracy", "0.5000", "0.7500", "-"]]


@pytest.mark.parametrize("accuracy", [(0.5, 0.75), (0.5, 0.5)])
def test_figures_of_other_classes_are_not_compared(accuracy):
    assert list_changes(changes_of(accuracy, cat=(3, None), dog=(None, 4))) is None


def test_model_that_was_not_there_before_is_no_change_of_classes():
    files = changes_of((None, 0.75), cat=(None, 4))
    files["data/metrics/seed-0/small/qat.json"]["formats.int8.raw_bytes"] = {"old": None, "new": 1000}
    assert len(list_changes(files)) == 2


def test_times_of_other_files_are_told():
    assert tell_of_latency(graph_of(changed=True), [TIMES]) == (
        "These times are of other files than those that are here now, or were taken in another way."
    )


def test_times_that_git_brought_are_told():
    assert tell_of_latency(graph_of(changed=False), [Path("data/metrics/a.json")]) == (
        "These times are those of the last commit: taken on the machine where it was made, maybe not on this one."
    )


def test_nothing_is_told_of_times_that_were_taken_here():
    assert tell_of_latency(graph_of(changed=False), [TIMES]) is None
