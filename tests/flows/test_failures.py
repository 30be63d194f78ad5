"""The last words of a run that failed: what failed in few lines, and what was skipped for it in one."""

import logging
import sys

import pytest
from prefect.logging.handlers import PrefectConsoleHandler

from flows import remote
from flows.errors import RunFailed, StageFailed
from flows.pipeline import CACHED, SKIPPED

START = ("Running stage 'a':", "> python -m maskopt.stages.a")
END = ("ERROR: failed to reproduce 'a': failed to run: python -m maskopt.stages.a, exited with 65",)
PAGE = "http://127.0.0.1:4200/runs/task-run/1"
WHERE = (
    f"  Its lines are above, and on {PAGE} while Prefect's server runs",
    "  Repeat it alone: maskopt run --target a",
)


@pytest.mark.parametrize(
    ("reason", "lines", "told"),
    [
        (
            "failed",
            ["INFO x", "error: data.zip is missing: put it there"],
            ["failed: data.zip is missing: put it there"],
        ),
        (
            "failed",
            ["INFO x", "error: the pictures are not what they should be:", "  two are empty", "See data/validation"],
            ["failed: the pictures are not what they should be:", "  two are empty", "See data/validation"],
        ),
        ("failed", ["Traceback (most recent call last):", '  File "x"', "ValueError: y"], ["failed: ValueError: y"]),
        ("was killed (SIGKILL)", ["INFO 3 of 9 epochs"], ["was killed (SIGKILL): INFO 3 of 9 epochs"]),
        ("failed", [], [f"failed: {END[0]}"]),
    ],
    ids=["our error", "our error in lines", "a bug", "killed", "no word"],
)
def test_stage_that_failed_is_told_with_its_error_and_where_its_lines_are(reason, lines, told):
    err = StageFailed("a", reason, [*START, *lines, *END])
    first, *more = told
    assert err.brief(PAGE).splitlines() == [f"stage a {first}", *more, *WHERE]


def test_stage_that_never_began_is_told_without_an_error():
    assert StageFailed("a", "was stopped", []).brief(PAGE).splitlines() == ["stage a was stopped", *WHERE]


def test_refusal_of_a_workers_clone_is_an_error_in_all_its_lines(tmp_path, monkeypatch):
    (tmp_path / remote.ORDER).write_text(remote.Order(commit="0" * 40, outputs=(), work=None).model_dump_json())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["remote", str(tmp_path)])
    remote.main()
    answer = remote.Answer.model_validate_json((tmp_path / remote.ANSWER).read_bytes())
    (line,) = answer.lines
    assert line.startswith("error: ")
    assert line.endswith(" is no clone of the repository: start the worker in one")
    lines = [*answer.lines, "and more"]
    assert StageFailed("a", answer.problem, lines).brief(PAGE).splitlines()[1:] == ["and more", *WHERE]


def test_full_disk_is_told_with_what_mends_it():
    err = StageFailed("a", "failed", [*START, "OSError: [Errno 28] No space left on device", *END])
    assert err.brief(PAGE).endswith(
        "\n  Make room on the disk: what is finished is kept. Repeat it alone: maskopt run --target a"
    )


def test_what_was_skipped_is_one_line():
    on = "`maskopt run` goes on with what is missing"
    assert str(RunFailed(["stage a failed"], 40)) == (f"stage a failed\n40 stages that depend on it were skipped. {on}")
    assert str(RunFailed(["stage a failed", "stage b failed"], 2)) == (
        f"stage a failed\nstage b failed\n2 stages that depend on them were skipped. {on}"
    )
    assert str(RunFailed(["stage a failed"], 0)) == f"stage a failed\n{on}"


@pytest.mark.parametrize(
    ("line", "on_terminal", "on_page"),
    [
        (f"Finished in state {SKIPPED}('bad did not end well', type=FAILED)", False, True),
        (f"Task run failed with state: {SKIPPED}(message='bad did not end well', type=FAILED)", False, True),
        (f"Finished in state {CACHED}('unchanged')", True, False),  # what the logger leaves out comes to no terminal
        ("Finished in state Failed('stage bad failed')", True, True),
        ("Finished in state Completed('ran for 1.5 s')", True, True),
    ],
)
def test_why_a_stage_was_skipped_is_on_its_page_alone(line, on_terminal, on_page):
    record = logging.makeLogRecord({"msg": line, "name": "prefect.task_runs"})
    (terminal,) = (each for each in logging.getLogger().handlers if isinstance(each, PrefectConsoleHandler))
    assert bool(terminal.filter(record)) == on_terminal
    assert bool(logging.getLogger(record.name).filter(record)) == on_page


def test_lines_of_others_are_shown():
    (terminal,) = (each for each in logging.getLogger().handlers if isinstance(each, PrefectConsoleHandler))
    assert terminal.filter(logging.makeLogRecord({"msg": f"Finished in state {SKIPPED}(", "name": "maskopt"}))
