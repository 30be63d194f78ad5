import json
import os
import subprocess
import sys

import pytest

from flows import workspace as ws
from flows.errors import Busy

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
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(ws, "WHILE_SECONDS", 0.01)
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


def rwlock_of(pid):
    return json.dumps({"read": {"a": [{"pid": pid, "cmd": "dvc repro"}]}, "write": {}})


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", rwlock_of(2**22 + 1), rwlock_of(1)],
    ids=["empty", "cut off", "no table", "gone", "other"],
)
def test_rwlock_of_no_dvc_at_work_is_removed(workspace, content):
    (workspace / ws.RWLOCK).write_text(content)
    ws.mend(workspace)
    assert not (workspace / ws.RWLOCK).exists()


def test_rwlock_of_a_dvc_at_work_is_left_alone(workspace):
    with subprocess.Popen([sys.executable, "-c", "input()", "dvc"], stdin=subprocess.PIPE) as at_work:
        content = rwlock_of(at_work.pid)
        (workspace / ws.RWLOCK).write_text(content)
        ws.mend(workspace)
        at_work.stdin.close()
    assert (workspace / ws.RWLOCK).read_text() == content


def test_second_run_is_refused_and_told_who_is_at_work(workspace):
    message = f"another run is at work in this workspace \\(process {os.getpid()}\\)"
    with ws.one_run(workspace), pytest.raises(Busy, match=message), ws.one_run(workspace):
        pass
    with ws.one_run(workspace) as left:
        assert left == {}


def test_run_after_a_killed_one_learns_of_it(workspace):
    ws.note_run(workspace, {"pid": "1", "flow_run": "x"})
    with ws.one_run(workspace) as left:
        assert left == {"pid": "1", "flow_run": "x"}


def test_durations_are_kept_and_added_to(workspace):
    ws.note_durations(workspace, {"a": 1.0, "b": 2.0})
    ws.note_durations(workspace, {"b": 3.0})
    assert ws.durations(workspace) == {"a": 1.0, "b": 3.0}
