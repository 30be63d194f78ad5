"""`maskopt run` with a real server: what it runs, in which order, and what its page is told."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from workspaces import QUIET

pytestmark = pytest.mark.slow

CHAIN = {
    "a": {"cmd": "echo 1 > a"},
    "b": {"cmd": "cat a > b", "deps": ["a"]},
    "c": {"cmd": "cat b > c", "deps": ["b"]},
}
FAST = {"prefect": {"retry_delay_seconds": 0.1}}


@pytest.fixture
def task_runs(server):
    """Return a function: the task runs of the latest flow run, name -> (state's name, run count, state's message)."""

    def latest():
        with SyncPrefectClient(server) as client:
            runs = client.read_flow_runs(sort="START_TIME_DESC", limit=1)
            tasks = client.request("POST", "/task_runs/filter", json={"flow_runs": {"id": {"any_": [str(runs[0].id)]}}})
        return {t["name"]: (t["state"]["name"], t["run_count"], t["state"]["message"]) for t in tasks.json()}

    return latest


def test_same_entries_as_serial_repro(served):
    flow, serial = served(CHAIN), None
    flow.run("run", "--jobs", "2")
    in_flow = flow.lock()
    (flow.root / "dvc.lock").unlink()
    for name in CHAIN:
        (flow.root / name).unlink()
    flow.dvc("repro")
    serial = flow.lock()
    assert in_flow == serial


def test_each_stage_is_a_task_run_and_unchanged_ones_are_cached(served, task_runs, server):
    workspace = served(CHAIN)
    text = workspace.run("run")
    assert "3 stages ran, 0 were cached" in text
    assert re.search(rf"the page of this run: {server.removesuffix('/api')}/runs/flow-run/[0-9a-f-]{{36}}", text)
    assert {name: state for name, (state, *_) in task_runs().items()} == dict.fromkeys("abc", "Completed")
    assert "Nothing changed: all 3 stages were cached" in workspace.run("run")
    assert {name: state for name, (state, *_) in task_runs().items()} == dict.fromkeys("abc", "Cached")


def test_stage_restored_by_dvc_says_so(served, task_runs):
    workspace = served(CHAIN)
    workspace.run("run")
    (workspace.root / "dvc.lock").unlink()
    for name in CHAIN:
        (workspace.root / name).unlink()
    workspace.run("run")
    states = {name: state for name, (state, *_) in task_runs().items()}
    assert states["b"] == states["c"] == "Restored"  # a has no dependency: DVC keeps no run of it


def test_downstream_of_equal_output_is_cached(served, task_runs):
    workspace = served(CHAIN)
    workspace.run("run")
    workspace.write_graph(CHAIN | {"a": {"cmd": "echo 1 > a;"}})
    workspace.run("run")
    assert [task_runs()[name][0] for name in "abc"] == ["Completed", "Cached", "Cached"]


def test_stage_runs_or_is_restored_where_what_it_stands_on_was_restored(served):
    def asked_for(text):
        (workspace.root / "asked").write_text(text)
        workspace.run("run")
        return [(workspace.root / name).read_text().strip() for name in "bc"]

    follow = {"cmd": "cat asked > b", "deps": ["asked"], "outs": ["b"]}
    workspace = served({"b": follow, "c": {"cmd": "cat b > c", "deps": ["b"], "outs": ["c"]}})
    (workspace.root / "asked").touch()
    for text in ("one", "two", "one"):  # of the third, DVC's cache holds all
        assert asked_for(text) == [text, text]


def test_lines_of_a_stage_are_its_log(served, server):
    served({"a": {"cmd": "echo hello from a; echo 1 > a"}}).run("run")
    with SyncPrefectClient(server) as client:
        logs = client.request("POST", "/logs/filter", json={"sort": "TIMESTAMP_DESC", "limit": 200}).json()
    assert "hello from a" in [log["message"] for log in logs]


def test_failed_stage_is_tried_again(served, task_runs):
    workspace = served({"a": {"cmd": "mkdir once || echo 1 > a; test -e a", "meta": FAST}})
    workspace.run("run")
    state, run_count, message = task_runs()["a"]
    assert (state, run_count) == ("Retried", 2)
    assert message.endswith(" s, at try 2")


def test_failed_branch_leaves_siblings_alone(served, task_runs):
    workspace = served(
        {
            "bad": {"cmd": "echo what went wrong; exit 3", "meta": FAST},
            "after": {"cmd": "cat bad > after", "deps": ["bad"]},
            "later": {"cmd": "cat after > later", "deps": ["after"]},
            "good": {"cmd": "sleep 1; echo 1 > good"},
            "end": {"cmd": "cat good > end", "deps": ["good"]},
        }
    )
    text = workspace.run("run", "--jobs", "2", fails=True)
    states = task_runs()
    assert {name: states[name][0] for name in ("after", "later", "good", "end")} == {
        "after": "Skipped",
        "later": "Skipped",
        "good": "Completed",
        "end": "Completed",
    }
    assert states["after"][2] == "bad did not end well"
    assert states["later"][2] == "after did not end well"
    assert states["bad"][:2] == ("Failed", 2)
    failed, where, again, rest = text[text.index("error: ") :].splitlines()
    assert failed == "error: stage bad failed: what went wrong"
    assert re.fullmatch(r"  Its lines are above, and on http://\S+/task-run/\S+ while Prefect's server runs", where)
    assert again == "  Repeat it alone: maskopt run --target bad"
    assert rest == "2 stages that depend on it were skipped. `maskopt run` goes on with what is missing"
    assert "Skipped" not in text


def test_what_the_user_must_mend_is_not_tried_again(served, task_runs):
    workspace = served({"a": {"cmd": "echo 'error: no such archive'; exit 65", "meta": FAST}})
    text = workspace.run("run", fails=True)
    assert task_runs()["a"][:2] == ("Failed", 1)
    assert "\nerror: stage a failed: no such archive\n" in text


def test_timeout_ends_the_stage(served):
    meta = {"prefect": {"timeout_seconds": 2, "retries": 0}}
    workspace = served({"a": {"cmd": "echo $$ > pid; sleep 600; echo 1 > a", "meta": meta}})
    text = workspace.run("run", fails=True)
    assert "stage a took longer than its 2 seconds (timeout_seconds in dvc.yaml)" in text
    assert not psutil.pid_exists(int((workspace.root / "pid").read_text()))


def test_limit_of_a_tag_keeps_its_stages_apart(served, server, tmp_path):
    limit = [sys.executable, "-m", "prefect", "concurrency-limit", "create", "gpu", "1"]
    home = QUIET | {"PREFECT_API_URL": server, "PREFECT_HOME": str(tmp_path / "home")}
    subprocess.run(limit, env=os.environ | home, capture_output=True, check=True)
    meta = {"prefect": {"tags": ["gpu"]}}
    log = "echo began >> ../log; sleep 0.5; echo ended >> ../log"
    workspace = served({name: {"cmd": f"{log}; echo > {name}", "meta": meta} for name in "abc"})
    workspace.run("run", "--jobs", "3")
    assert (workspace.root.parent / "log").read_text().split() == ["began", "ended"] * 3


def test_target_runs_what_it_stands_on_and_no_more(served):
    workspace = served(CHAIN)
    workspace.run("run", "--target", "b")
    assert set(workspace.lock()) == {"a", "b"}


def test_forced_target_runs_again_alone(served, task_runs):
    workspace = served(CHAIN)
    workspace.run("run")
    workspace.run("run", "--target", "b", "--force")
    assert {name: state for name, (state, *_) in task_runs().items()} == {"a": "Cached", "b": "Completed"}


def test_dry_run_shows_what_would_run_and_how_long_it_took(served):
    workspace = served(CHAIN)
    workspace.run("run", "--target", "b")
    (workspace.root / "a").unlink()
    text = workspace.run("run", "--dry-run")
    assert [line.split()[0] for line in text.splitlines()[:3]] == ["a", "b", "c"]
    assert "c  never ran here" in text
    assert "3 of 3 stages to run" in text
    from_cache = "of these, DVC takes from its cache what it still holds of an earlier run on the same inputs\n"
    assert text.endswith(from_cache)
    assert not (workspace.root / "a").exists()
    assert from_cache not in workspace.run("run", "--dry-run", "--force")


def test_unknown_target_is_told_without_a_traceback(served):
    text = served(CHAIN).run("run", "--target", "end", fails=True)
    assert text.endswith("error: unknown target 'end'; known: a, b, c.\n")
    assert "Traceback" not in text


def test_dry_run_refuses_params_that_a_run_refuses(served):
    workspace = served(CHAIN)
    (workspace.root / "params.yaml").write_text("sample: 3\n")
    text = workspace.run("run", "--dry-run", fails=True)
    assert text.startswith("error: params.yaml has values that cannot be used:\n")


def test_without_a_server_it_works_and_says_what_is_lost(new_workspace, tmp_path):
    workspace = new_workspace(CHAIN, {"PREFECT_HOME": str(tmp_path / "home")})
    text = workspace.run("run", "--no-server")
    assert "it ends with this run, whose history is lost" in text
    assert text.endswith("3 stages ran, 0 were cached\n")  # no line had nowhere to go
    assert set(workspace.lock()) == set(CHAIN)
    assert not (tmp_path / "home" / "prefect.db").exists()


def test_named_server_that_does_not_answer_is_an_error(new_workspace):
    workspace = new_workspace(CHAIN, {"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    text = workspace.run("run", fails=True)
    assert text.startswith("error: no Prefect server at http://127.0.0.1:9/api: ")
    assert "Start it; or unset PREFECT_API_URL" in text
    assert "or run with --no-server" in text


def test_server_that_wants_another_password_is_an_error(new_workspace, start_server, tmp_path):
    with start_server(tmp_path, {"PREFECT_SERVER_API_AUTH_STRING": "team:secret"}) as url:
        for client in ({}, {"PREFECT_API_AUTH_STRING": "team:other"}):
            workspace = new_workspace(CHAIN, {"PREFECT_API_URL": url} | client, name=f"workspace-{len(client)}")
            text = workspace.run("run", fails=True)
            assert text.startswith(f"error: no Prefect server at {url}: it wants a user and a password: set PREFECT_")


def test_second_run_in_one_workspace_is_refused(served):
    workspace = served({"a": {"cmd": "touch began; until test -e ../go; do sleep 0.1; done; echo 1 > a"}})
    first = workspace.start("run")
    wait_for(workspace.root / "began")
    assert f"another run is at work in this workspace (process {first.pid})" in workspace.run("run", fails=True)
    (workspace.root.parent / "go").touch()
    first.communicate()
    assert first.returncode == 0


SLEEPER = {"a": {"cmd": "echo $$ > pid; sleep 600; echo 1 > a", "meta": {"prefect": {"retries": 0}}}}


def test_interrupt_ends_stages_and_flow(served):
    workspace = served(SLEEPER)
    process = workspace.start("run")
    pid = int(wait_for(workspace.root / "pid").read_text())
    process.send_signal(signal.SIGINT)
    wait_for_end(pid)
    text, _ = process.communicate(timeout=60)
    assert process.returncode != 0, text


def test_cancelled_on_its_page_ends_stages_and_flow(served, server):
    workspace = served(SLEEPER)
    process = workspace.start("run")
    pid = int(wait_for(workspace.root / "pid").read_text())
    run = json.loads((workspace.root / ".dvc/tmp/maskopt/run.json").read_text())["flow_run"]
    with SyncPrefectClient(server) as client:
        state = {"type": "CANCELLING", "name": "Cancelling"}
        client.request("POST", f"/flow_runs/{run}/set_state", json={"state": state, "force": True})
    text, _ = process.communicate(timeout=60)
    assert process.returncode != 0, text
    assert not psutil.pid_exists(pid)


def test_killed_flow_leaves_nothing_running_and_is_closed_by_the_next(served, server):
    workspace = served(SLEEPER)
    process = workspace.start("run")
    pid = int(wait_for(workspace.root / "pid").read_text())
    killed = json.loads((workspace.root / ".dvc/tmp/maskopt/run.json").read_text())["flow_run"]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for_end(pid)
    workspace.write_graph(CHAIN)
    workspace.run("run")
    with SyncPrefectClient(server) as client:
        assert client.read_flow_run(killed).state.is_crashed()


def wait_for_end(pid: int) -> None:
    """Wait until a process is gone; how long that takes, `make bench-flow` says."""
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for(file: Path) -> Path:
    deadline = time.monotonic() + 60
    while not (file.is_file() and (file.read_text() or file.name == "began")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return file
