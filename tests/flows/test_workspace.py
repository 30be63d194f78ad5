import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from zc.lockfile import LockFile

from flows import workspace as ws
from flows.errors import Busy, UnusableLockfile

LOCK = """schema: '2.0'
stages:
  a:
    cmd: echo 1 > a
    outs:
    - path: a
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
  b:
    cmd: cat a > b
    deps:
    - path: a
      md5: b026324c6904b2a9cb4b88d6d61c81d1
    outs:
    - path: b
      md5: b026324c6904b2a9cb4b88d6d61c81d1
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / ws.OURS).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("content", ["", LOCK[:30], LOCK[: LOCK.rindex("path") + 4], "\0" * 9])
def test_half_written_lockfile_is_put_aside(workspace, content, caplog):
    (workspace / "dvc.lock").write_text(content)
    ws.mend(workspace)
    assert not (workspace / "dvc.lock").exists()
    (aside,) = workspace.glob("dvc.lock.broken-*")
    assert aside.read_text() == content
    assert aside.name in caplog.text


def test_whole_lockfile_is_left_alone(workspace):
    (workspace / "dvc.lock").write_text(LOCK)
    ws.mend(workspace)
    assert (workspace / "dvc.lock").read_text() == LOCK


def test_lockfile_is_left_to_a_dvc_that_writes_it(workspace):
    (workspace / "dvc.lock").write_text(LOCK[:30])
    at_work = LockFile(str(workspace / ws.DVC_TMP / "lock"))
    with ThreadPoolExecutor() as pool:
        mending = pool.submit(ws.mend, workspace)
        wait([mending], timeout=0.2)
        (workspace / "dvc.lock").write_text(LOCK)
        at_work.close()
        mending.result()
    assert (workspace / "dvc.lock").read_text() == LOCK


def test_lockfile_with_conflicts_is_the_users_to_mend(workspace):
    content = f"<<<<<<< HEAD\n{LOCK}=======\n{LOCK}>>>>>>> other\n"
    (workspace / "dvc.lock").write_text(content)
    with pytest.raises(UnusableLockfile) as told:
        ws.mend(workspace)
    assert str(told.value) == (
        "dvc.lock holds conflicts of git. Take one side: `git checkout --theirs dvc.lock` or --ours; then run again"
    )
    assert (workspace / "dvc.lock").read_text() == content


def test_lockfile_of_another_dvc_is_not_touched(workspace):
    (workspace / "dvc.lock").write_text(LOCK.replace("2.0", "3.0"))
    with pytest.raises(UnusableLockfile, match=r"dvc.lock has schema 3.0, expected 2.0. Use the DVC that wrote it"):
        ws.mend(workspace)
    assert "3.0" in (workspace / "dvc.lock").read_text()


@pytest.fixture
def at_work():
    """Return the id of a process that is a DVC by its command."""
    with subprocess.Popen([sys.executable, "-c", "input()", "dvc"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.stdin.close()


def rwlock_of(*pids):
    notes = [{"pid": pid, "cmd": "dvc repro"} for pid in pids]
    return {"read": {"a": notes}, "write": {f"{note['pid']}": note for note in notes}}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"read": {"a": 1}}'])
def test_rwlock_that_cannot_be_read_is_removed(workspace, content):
    (workspace / ws.RWLOCK).write_text(content)
    ws.mend(workspace)
    assert not (workspace / ws.RWLOCK).exists()


def test_rwlock_of_a_dvc_at_work_is_left_alone(workspace, at_work):
    content = json.dumps({"read": rwlock_of(at_work)["read"]})  # as DVC leaves out what is empty
    (workspace / ws.RWLOCK).write_text(content)
    ws.mend(workspace)
    assert (workspace / ws.RWLOCK).read_text() == content


@pytest.mark.parametrize("gone", [2**22 + 1, 1], ids=["nobody's", "another's"])
def test_processes_that_are_gone_are_taken_out_of_rwlock(workspace, at_work, gone):
    (workspace / ws.RWLOCK).write_text(json.dumps(rwlock_of(gone, at_work)))
    ws.mend(workspace)
    assert json.loads((workspace / ws.RWLOCK).read_text()) == rwlock_of(at_work)


def test_second_run_is_refused_and_told_who_is_at_work(workspace):
    message = f"another run is at work in this workspace \\(process {os.getpid()}\\)"
    with ws.one_run(workspace), pytest.raises(Busy, match=message), ws.one_run(workspace):
        pass
    with ws.one_run(workspace) as left:
        assert left == {}


def test_stage_of_a_worker_holds_the_workspace_too(workspace):
    with ws.held(workspace), pytest.raises(Busy, match=f"`kill {os.getpid()}`"), ws.one_run(workspace):
        pass
    assert "kill" not in str(Busy(None))


def test_busy_workspace_is_told_and_nothing_is_left_in_another(workspace):
    ws.refuse_busy(workspace)
    assert not (workspace / ws.OURS / "run.lock").exists()
    with ws.one_run(workspace), pytest.raises(Busy, match=f"process {os.getpid()}"):
        ws.refuse_busy(workspace)
    ws.refuse_busy(workspace)


def test_run_after_a_killed_one_learns_of_it(workspace):
    ws.note_run(workspace, {"pid": "1", "flow_run": "x"})
    with ws.one_run(workspace) as left:
        assert left == {"pid": "1", "flow_run": "x"}


def test_durations_are_kept_and_added_to(workspace):
    ws.note_durations(workspace, {"a": 1.0, "b": 2.0})
    ws.note_durations(workspace, {"b": 3.0})
    assert ws.durations(workspace) == {"a": 1.0, "b": 3.0}
