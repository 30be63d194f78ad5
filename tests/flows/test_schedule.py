"""Runs that nobody starts by hand: served from here, and from a work pool."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, FlowRunFilter
from workspaces import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
GRAPH = {"began": {"cmd": "echo began >> ../log; sleep 2; echo ended >> ../log; touch began"}}


@pytest.fixture
def api(server):
    with SyncPrefectClient(server) as client:
        yield client


def deployment(api, name):
    wanted = DeploymentFilter(name=DeploymentFilterName(like_=name))
    return next(iter(api.read_deployments(deployment_filter=wanted)), None)


def ended(api, deployment_id, n):
    runs = api.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id={"any_": [deployment_id]}))
    final = [run for run in runs if run.state and run.state.is_final()]
    return final if len(final) >= n else None


def end(process):
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    return text


def check_two_runs(api, found, workspace):
    """Two runs asked for at once: one after the other, the second finds nothing changed."""
    for _ in range(2):
        api.create_flow_run_from_deployment(found.id)
    runs = wait_until(lambda: ended(api, found.id, 2))
    assert all(run.state.is_completed() for run in runs), [run.state.message for run in runs]
    named = r"all stages( of [0-9a-f]{7})?, \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert all(re.fullmatch(named, run.name) for run in runs), [run.name for run in runs]
    said = sorted(run.state.message for run in runs)
    assert said == ["1 stages ran, 0 were cached", "Nothing changed: all 1 stages were cached"]
    assert (workspace.root.parent / "log").read_text().split() == ["began", "ended"]


def test_served_flow_runs_one_at_a_time(served, api):
    workspace = served(GRAPH)
    process = workspace.start("schedule", "--cron", "0 0 29 2 *")
    try:
        found = wait_until(lambda: deployment(api, "scheduled-"))
        check_two_runs(api, found, workspace)
    finally:
        end(process)


def test_cron_that_cannot_be_read_is_told(served):
    text = served(GRAPH).run("schedule", "--cron", "61 * * * *", fails=True)
    assert (
        "error: '61 * * * *' is not a time of cron: want minute, hour, day, month and weekday, as in '0 3 * * *'"
        in text
    )


def test_deployments_of_prefect_yaml_run_one_at_a_time(served, server, api):
    workspace = served(GRAPH)
    for name in ("flows", "maskopt", "prefect.yaml"):
        (workspace.root / name).symlink_to(ROOT / name)
    home = {"PREFECT_API_URL": server, "PREFECT_HOME": str(workspace.root.parent / "home"), "DO_NOT_TRACK": "1"}
    prefect = (sys.executable, "-m", "prefect", "--no-prompt")
    options = {"cwd": workspace.root, "env": os.environ | home, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    for command in (("work-pool", "create", "maskopt", "--type", "process"), ("deploy", "--all")):
        done = subprocess.run([*prefect, *command], **options, text=True, check=False)
        assert not done.returncode, done.stdout
    worker = subprocess.Popen([*prefect, "worker", "start", "--pool", "maskopt"], **options, text=True)
    try:
        check_two_runs(api, deployment(api, "nightly"), workspace)
    finally:
        end(worker)
