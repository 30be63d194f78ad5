"""Whoever is killed, whenever: no orphan, no damage; the next run does what is missing, with the same results."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from workspaces import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

MOMENTS = 10
N_CHAINS, LENGTH, STAGE_SECONDS = 3, 4, 0.3
MARK = "maskopt-kill-test"  # an argument of every command of the graph, by which its processes are known


def graph():
    """Three chains that meet in one metric; each stage appends its name to ../ran when it is done."""
    stages = {}
    for chain in "xyz"[:N_CHAINS]:
        for step in range(LENGTH):
            name, before = f"{chain}{step}", f"{chain}{step - 1}" if step else None
            made = f"{{ cat {before or '/dev/null'}; echo {name}; }} > {name}"
            stages[name] = {
                "cmd": f"sh -c 'sleep {STAGE_SECONDS}; {made}; echo {name} >> ../ran' {MARK}",
                "deps": [before] if before else [],
                "meta": {"prefect": {"retry_delay_seconds": 0.1}},
            }
    ends = [f"{chain}{LENGTH - 1}" for chain in "xyz"[:N_CHAINS]]
    stages["metrics"] = {"cmd": f"cat {' '.join(ends)} > metrics", "deps": ends}
    return stages


def processes(workspace, *words):
    """The processes at work in the workspace whose command holds all of these words."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.cwd() != str(workspace.root):
                continue
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if all(word in line for word in words):
            found.append(process)
    return found


def forks(workspace, name):
    return [process for process in processes(workspace, "flows.dvc_forks") if process.name() == name]


VICTIMS = {
    "stage": lambda workspace: processes(workspace, MARK, "sh -c"),
    "dvc": lambda workspace: forks(workspace, "dvc"),
    "guard": lambda workspace: forks(workspace, "guard"),
    "parent of the guards": lambda workspace: forks(workspace, Path(sys.executable).resolve().name),
    "flow": lambda workspace: processes(workspace, "-m maskopt"),
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_whoever_is_killed(victim, served):
    rng = random.Random(victim)
    workspace = served(graph())
    expected = "".join(f"{chain}{step}\n" for chain in "xyz" for step in range(LENGTH))
    killed = 0
    while killed < MOMENTS:
        flow = workspace.start("run", "--jobs", "3")
        wait_until(lambda flow=flow: processes(workspace, MARK) or flow.poll() is not None)
        time.sleep(rng.uniform(0, 4))
        if chosen := VICTIMS[victim](workspace):
            os.kill(rng.choice(chosen).pid, signal.SIGKILL)
            killed += 1
        if victim == "flow":
            flow.wait()
            wait_until(lambda: not processes(workspace))
        text, _ = flow.communicate()
        recorded, before = _recorded(workspace), len(_done(workspace))
        again = workspace.run("run", "--jobs", "3")
        if "dvc.lock was cut off" not in again:  # else stages without dependencies, which no run-cache knows, run again
            assert not recorded & set(_done(workspace)[before:]), text + again
        assert (workspace.root / "metrics").read_text() == expected, text + again
        assert "Nothing changed" in workspace.run("run")
        assert workspace.dvc("status").strip() == "Data and pipelines are up to date."
        _start_over(workspace)


def test_next_run_does_only_the_missing_work(served):
    workspace = served(graph())
    flow = workspace.start("run", "--jobs", "3")
    wait_until(lambda: len(_done(workspace)) >= 5)
    flow.kill()
    flow.communicate()
    done = set(workspace.lock())
    before = _done(workspace)
    workspace.run("run", "--jobs", "3")
    assert not done & set(_done(workspace)[len(before) :])


def test_killed_run_leaves_no_server_of_its_own(new_workspace, tmp_path):
    workspace = new_workspace({"a": {"cmd": f"sh -c 'sleep 60' {MARK}"}}, {"PREFECT_HOME": str(tmp_path / "home")})
    flow = workspace.start("run", "--no-server")
    wait_until(lambda: processes(workspace, MARK))
    assert processes(workspace, "prefect", "server", "start")
    flow.kill()
    flow.communicate()
    wait_until(lambda: not processes(workspace), seconds=10)


def _recorded(workspace):
    """The stages that dvc.lock holds with the commands they have now."""
    blocks = yaml.safe_load((workspace.root / "dvc.yaml").read_text())["stages"]
    try:
        return {name for name, entry in workspace.lock().items() if entry["cmd"] == blocks[name]["cmd"]}
    except (FileNotFoundError, TypeError, yaml.YAMLError):  # never written, or cut off
        return set()


def _done(workspace):
    file = workspace.root.parent / "ran"
    return file.read_text().split() if file.is_file() else []


def _start_over(workspace):
    """Make other commands of the same stages, so that DVC knows none of them."""
    stages = graph()
    for block in stages.values():
        block["cmd"] += f" # {time.time_ns()}"
    workspace.write_graph(stages)
