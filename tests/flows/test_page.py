from pathlib import Path

from flows.graph import Settings, Stage, read_graph
from flows.page import tell_if_out_of_date, tell_of_latency

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
