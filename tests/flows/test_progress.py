import time

from prefect.states import Completed, Failed

from flows.graph import Settings, Stage
from flows.plan import Plan
from flows.progress import Progress


def progress_of(durations):
    graph = {name: Stage(name, frozenset(), True, Settings()) for name in "abcd"}
    plan = Plan(graph, 2, durations)
    return plan, Progress(plan)


def start(plan, *names):
    for name in names:
        plan.start(name, 1)


def test_line_counts_stages_and_names_those_under_way():
    plan, progress = progress_of(dict.fromkeys("abcd", 90))
    start(plan, "a", "b", "c", "d")
    for name, state in (("a", Completed(name="Cached")), ("b", Failed(message="x"))):
        plan.end(name, well=state.is_completed())
        progress.ended(name, state)
    assert progress.line() == (
        "2 of 4 stages: 0 done, 1 cached, 1 failed, 0 skipped, 2 running: c, d, about 2 min left"
    )


def test_terminal_names_stages_that_failed_and_none_that_was_skipped(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # takes anything for a terminal
    plan, progress = progress_of({})
    with progress:
        for name, state in (("a", Failed(message="too bad")), ("b", Failed(name="Skipped", message="a failed"))):
            plan.end(name, well=False)
            progress.ended(name, state)
    said = capsys.readouterr().err
    assert "failed  a  too bad" in said
    assert "skipped b" not in said
    assert "2 of 4 stages: 0 done, 0 cached, 1 failed, 1 skipped" in said


def test_state_without_words_is_counted():
    plan, progress = progress_of({})
    for name in "abcd":
        plan.end(name, well=True)
    progress.ended("a", Completed())
    assert progress.line() == "1 of 4 stages: 1 done, 0 cached, 0 failed, 0 skipped, 0 running"


def test_time_left_is_in_seconds_under_a_minute():
    plan, progress = progress_of(dict.fromkeys("abcd", 10))
    start(plan, "a", "b")
    assert progress.line().endswith("2 running: a, b, about 20 s left")


def test_time_left_of_stages_that_never_ran_is_unknown_and_time_so_far_is_told(monkeypatch):
    plan, progress = progress_of({"a": 10})
    start(plan, "a")
    unknown = "so far; 3 never ran here, so the time left is unknown"
    assert progress.line().endswith(f"1 running: a, 0 s {unknown}")
    later = time.monotonic() + 9 * 60
    monkeypatch.setattr("flows.progress.time.monotonic", lambda: later)
    assert progress.line().endswith(f"1 running: a, 9 min {unknown}")


def test_time_is_told_between_two_stages():
    plan, progress = progress_of(dict.fromkeys("abcd", 10))
    plan.end("a", well=True)
    assert progress.line().endswith("0 running, about 15 s left")
