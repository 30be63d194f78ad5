from pathlib import Path

import pandas as pd
import pytest

from flows.graph import Settings, Stage, read_graph
from flows.page import MOST_CHANGES, read_frame, read_report, tell_changes, tell_if_out_of_date, tell_of_latency
from maskopt.files import write_record

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


def test_report_of_before_can_be_read(tmp_path):
    write_record(tmp_path / "sections.json", {"introduction": "", "sections": []})
    assert read_report(tmp_path / "sections.json")["title"] == "Report"


def changes_of(accuracy, **counts):
    """Changes of one file, as DVC tells them; a class -> its pictures before and now."""
    figures = {f"confusion.{name}.{name}": count for name, count in counts.items()} | {"accuracy": accuracy}
    both = {name: {"old": old, "new": new} for name, (old, new) in figures.items()}
    told = {f"formats.int8.{name}": change for name, change in both.items() if change["old"] != change["new"]}
    return {"data/metrics/seed-0/small/qat.json": told}


def test_changes_of_the_same_classes_are_shown():
    said, changes = tell_changes(changes_of((0.5, 0.75), cat=(3, 4)))
    assert changes.to_numpy().tolist() == [["seed-0/small/qat", "int8.accuracy", "50.00%", "75.00%", "+25.00 points"]]
    assert said.startswith(
        "Accuracies and sizes that are not as in the last commit: 1, of 1 models; on one side alone:\n0."
    )


def test_of_many_changes_the_largest_are_shown_and_all_are_counted():
    figures = ("accuracy", 0.5, -0.01), ("gzip_bytes", 1000, 10), ("xz_bytes", 1000, 500), ("val_accuracy", 0.5, 0.3)
    files = {
        f"data/metrics/seed-{seed}/small/qat.json": {
            f"formats.int8.{name}": {"old": old, "new": old + step * seed} for name, old, step in figures
        }
        for seed in range(1, 21)
    }
    said, changes = tell_changes(files)
    assert ": 80, of 20 models; on one side alone:\n0." in said
    assert changes["figure"].value_counts().to_dict() == dict.fromkeys(
        ["int8.accuracy", "int8.gzip_bytes"], MOST_CHANGES
    )
    assert changes.groupby("figure", sort=False).first().to_numpy().tolist() == [
        ["seed-20/small/qat", "50.00%", "30.00%", "-20.00 points"],
        ["seed-20/small/qat", "1,000", "1,200", "+20.0%"],
    ]


def test_nothing_changed():
    said, changes = tell_changes({})
    assert (said, len(changes)) == ("No accuracy and no size.", 0)


@pytest.mark.parametrize("accuracy", [(0.5, 0.75), (0.5, 0.5)])
def test_figures_of_other_classes_are_not_compared(accuracy):
    said, changes = tell_changes(changes_of(accuracy, cat=(3, None), dog=(None, 4)))
    assert "of other classes: nothing is comparable" in said
    assert changes.empty


def test_model_that_was_not_there_before_is_no_change_of_classes():
    files = changes_of((None, 0.75), cat=(None, 4))
    files["data/metrics/seed-0/small/qat.json"]["formats.int8.raw_bytes"] = {"old": None, "new": 1000}
    said, changes = tell_changes(files)
    assert said.startswith(
        "Accuracies and sizes that are not as in the last commit: 2, of 1 models; on one side alone:\n2."
    )
    assert changes.empty


def test_times_of_other_files_are_told():
    assert tell_of_latency(graph_of(changed=True), [TIMES]) == (
        "These times are of other files than those that are here now, or were taken in another way. "
        "To take your own: `maskopt run --target latency --force` and `maskopt run`."
    )


def test_times_that_git_brought_are_told():
    assert tell_of_latency(graph_of(changed=False), [Path("data/metrics/a.json")]) == (
        "These times are those of the last commit: taken on the machine where it was made, maybe not on this one. "
        "To take your own: `maskopt run --target latency --force` and `maskopt run`."
    )


def test_nothing_is_told_of_times_that_were_taken_here():
    assert tell_of_latency(graph_of(changed=False), [TIMES]) is None
