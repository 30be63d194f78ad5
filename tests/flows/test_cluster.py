"""Stages on a real Dask cluster: a scheduler and workers, each in a clone of its own; a folder is DVC's remote."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import psutil
import pytest
from distributed import Client
from moto.server import ThreadedMotoServer
from workspaces import QUIET, ROOT, Workspace, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")
GRAPH = {
    "raw": {"cmd": "cat given > raw; echo raw >> $RAN", "deps": ["given"]},
    "x": {"cmd": "cat raw > x; echo $PWD > whereis-x; echo x >> $RAN", "deps": ["raw"]},
    "y": {"cmd": "cat raw > y; echo y >> $RAN", "deps": ["raw"]},
    "metric": {
        "cmd": "mkdir -p data/metrics; echo metric >> $RAN; "
        'echo "{\\"size\\": $(cat x y | wc -c)}" > data/metrics/m.json',
        "deps": ["x", "y"],
        "outs": [],
        "metrics": [{"data/metrics/m.json": {"cache": False}}],
    },
    "report": {"cmd": "cat data/metrics/m.json > report; echo report >> $RAN", "deps": ["data/metrics/m.json"]},
}
STAGES = list(GRAPH)


@pytest.fixture
def head(new_workspace, server, tmp_path):
    """A committed workspace whose data lies in a remote folder; each stage notes that it ran in one file for all."""
    return made_head(new_workspace, server, tmp_path, GRAPH)


def made_head(new_workspace, server, folder, graph, store=None):
    workspace = new_workspace(None, {"PREFECT_API_URL": server})
    stages = {name: block | {"cmd": block["cmd"].replace("$RAN", str(folder / "ran"))} for name, block in graph.items()}
    workspace.write_graph(stages)
    (workspace.root / "given").write_text("pictures\n")
    (workspace.root / ".gitignore").write_text("\n".join(f"/{n}" for n in (*graph, "given", "whereis-x")) + "\n")
    (workspace.root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    workspace.dvc("add", "--quiet", "given")
    commit(workspace)
    set_remote(workspace, store or folder / "store")
    return workspace


def commit(workspace):
    subprocess.run(["git", "add", "--all"], cwd=workspace.root, check=True)
    subprocess.run(["git", *AUTHOR, "commit", "--quiet", "--message", "x"], cwd=workspace.root, check=True)


def set_remote(workspace, url):
    """Do what `make remote URL=...` does."""
    workspace.dvc("remote", "add", "--local", "--default", "--force", "store", str(url))


def clone_of(head, name, store=None):
    """Return a clone with the same remote."""
    root = head.root.parent / name
    subprocess.run(["git", "clone", "--quiet", str(head.root), str(root)], check=True)
    clone = Workspace(root, {})
    set_remote(clone, store or head.root.parent / "store")
    return clone


def ran(head):
    file = head.root.parent / "ran"
    return sorted(file.read_text().split()) if file.is_file() else []


class Cluster:
    """A scheduler, and workers that can be started and killed."""

    def __init__(self, log):
        self._log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        port = self.address.rpartition(":")[2]
        self._processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", port, folder=log.parent)]

    def add(self, clone, *options):
        """Start a worker in a clone, and wait until the scheduler knows it."""
        arguments = (self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", *options)
        process = self._start("worker", *arguments, folder=clone.root)
        self._processes.append(process)
        alive = sum(worker.poll() is None for worker in self._processes[1:])
        with Client(self.address, timeout=60, set_as_default=False) as client:
            wait_until(lambda: len(client.nthreads()) == alive)
        return process

    def kill_scheduler(self):
        self._processes[0].kill()
        self._processes[0].wait()

    def end(self):
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(self, kind, *arguments, folder):
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *arguments, "--no-dashboard"]
        environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT)}
        with self._log.open("a") as log:
            return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


@contextmanager
def running_cluster(folder):
    cluster = Cluster(folder / "cluster.log")
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def cluster(tmp_path):
    with running_cluster(tmp_path) as made:
        yield made


def on(cluster, *options):
    return ("run", "--runner", "dask", "--address", cluster.address, *options)


def test_stages_run_in_the_clones_and_the_head_ends_complete(head, cluster):
    clones = [clone_of(head, name) for name in ("one", "two")]
    for clone in clones:
        cluster.add(clone)
    text = head.run(*on(cluster))
    assert "5 stages ran, 0 were cached" in text
    assert ran(head) == sorted(["metric", "raw", "report", "x", "y"])
    assert not (head.root / "whereis-x").exists()
    assert any((clone.root / "whereis-x").exists() for clone in clones)
    assert head.dvc("status").strip() == "Data and pipelines are up to date."
    assert (head.root / "report").read_text().strip() == '{"size": 18}'
    in_cluster = head.lock()
    assert "Nothing changed" in head.run(*on(cluster))
    assert "Nothing changed" in head.run("run")
    (head.root / "dvc.lock").unlink()
    head.dvc("repro", "--force")
    assert in_cluster == head.lock()


@pytest.fixture
def bucket(monkeypatch):
    """Return the URL of a bucket on moto's server; the environment tells dvc-s3 where it is."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3").create_bucket(Bucket="maskopt")
    yield "s3://maskopt/store"
    server.stop()


def test_outputs_travel_through_s3(new_workspace, server, tmp_path, bucket, cluster):
    head = made_head(new_workspace, server, tmp_path, GRAPH, bucket)
    for name in ("one", "two"):
        cluster.add(clone_of(head, name, bucket))
    assert "5 stages ran, 0 were cached" in head.run(*on(cluster))
    assert head.dvc("status").strip() == "Data and pipelines are up to date."
    assert (head.root / "report").read_text().strip() == '{"size": 18}'
    assert not (head.root.parent / "store").exists()


def test_what_is_left_to_do_is_done_elsewhere_after_the_head_was_killed(head, cluster):
    cluster.add(clone_of(head, "one"))
    process = head.start(*on(cluster))
    wait_until(lambda: len(ran(head)) >= 2)
    process.kill()
    process.communicate()
    wait_until(lambda: not at_work(head.root.parent / "one"))
    assert "were cached" in head.run(*on(cluster))
    assert head.dvc("status").strip() == "Data and pipelines are up to date."
    assert ran(head).count("raw") == 1


def test_failed_stage_is_told_with_its_error(new_workspace, server, tmp_path, cluster):
    meta = {"meta": {"prefect": {"retries": 0}}}
    bad = {"bad": {"cmd": "echo what went wrong; exit 3", **meta}, "good": {"cmd": "echo 1 > good"}}
    head = made_head(new_workspace, server, tmp_path, bad)
    cluster.add(clone_of(head, "one"))
    text = head.run(*on(cluster), fails=True)
    assert text[text.index("error: ") :].startswith("error: stage bad failed: what went wrong\n")
    assert (head.root / "good").read_text() == "1\n"


def test_uncommitted_head_is_refused(head, cluster):
    cluster.add(clone_of(head, "one"))
    (head.root / "new.py").touch()
    text = head.run(*on(cluster), fails=True)
    assert "workspace differs from its commit in new.py. Workers run what is committed: commit it" in text
    assert ran(head) == []


def test_workers_of_another_commit_or_without_a_clone_are_refused(head, cluster):
    behind = clone_of(head, "behind")
    (head.root / "README").touch()
    commit(head)
    dirty = clone_of(head, "dirty")
    (dirty.root / "README").write_text("other")
    nowhere = Workspace(head.root.parent / "nowhere", {})
    nowhere.root.mkdir()
    for clone in (behind, dirty, nowhere):
        cluster.add(clone)
    text = head.run(*on(cluster), fails=True)
    assert "behind is at commit" in text
    assert "there, `git fetch && git checkout --force " in text
    assert "dirty differs from its commit in README" in text
    assert "nowhere is no clone of the repository: start the worker in one" in text
    assert "Mend these clones or end their workers, then run again" in text
    assert "Traceback" not in text.partition("error: ")[2]
    assert ran(head) == []


def test_no_cluster_is_told(head):
    text = head.run("run", "--runner", "dask", "--address", "tcp://127.0.0.1:9", fails=True)
    assert "error: no Dask cluster at tcp://127.0.0.1:9: " in text
    assert "or run on this machine with --runner local" in text


def test_cluster_without_workers_is_told(head, cluster):
    text = head.run(*on(cluster), fails=True)
    assert f"error: no Dask cluster at {cluster.address}: it has no workers. Start " in text


def test_stage_goes_where_its_resources_are(new_workspace, server, tmp_path, cluster):
    graph = {
        name: {"cmd": f"echo $PWD > {name}", "meta": {"prefect": {"resources": {"GPU": 1}}}} for name in ("a", "b", "c")
    }
    head = made_head(new_workspace, server, tmp_path, graph)
    cluster.add(clone_of(head, "plain"))
    rich = clone_of(head, "rich")
    cluster.add(rich, "--resources", "GPU=1")
    head.run(*on(cluster))
    assert {(head.root / name).read_text().strip() for name in graph} == {str(rich.root)}


def test_interrupt_ends_stages_on_workers(new_workspace, server, tmp_path, cluster):
    head = made_head(new_workspace, server, tmp_path, {"a": {"cmd": "echo $$ > pid; sleep 600; echo 1 > a"}})
    clone = clone_of(head, "one")
    cluster.add(clone)
    process = head.start(*on(cluster))
    wait_until(lambda: at_work(clone.root, "sleep"))
    process.send_signal(signal.SIGINT)
    wait_until(lambda: not at_work(clone.root, "sleep"))
    text, _ = process.communicate(timeout=60)
    assert process.returncode != 0, text


def test_lost_scheduler_fails_the_run_and_leaves_nothing_at_work(new_workspace, server, tmp_path, cluster):
    stage = {"cmd": "sleep 600; echo 1 > a", "meta": {"prefect": {"retries": 0}}}
    head = made_head(new_workspace, server, tmp_path, {"a": stage})
    clone = clone_of(head, "one")
    cluster.add(clone)
    process = head.start(*on(cluster))
    wait_until(lambda: at_work(clone.root, "sleep"))
    cluster.kill_scheduler()
    wait_until(lambda: not at_work(clone.root, "sleep"))
    text, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "error: stage a was lost with its worker" in text


MOMENTS = 10


def test_nothing_is_lost_when_workers_are_killed(new_workspace, server, tmp_path):
    """At random moments; what the worker ran moves to the other, and no process of it is left."""
    rng = random.Random(0)
    slow = {name: block | {"cmd": f"sleep 0.5; {block['cmd']}"} for name, block in GRAPH.items()}
    with running_cluster(tmp_path) as cluster:
        head = made_head(new_workspace, server, tmp_path, slow)
        clones = [clone_of(head, name) for name in ("one", "two")]
        workers = [cluster.add(clone) for clone in clones]
        for moment in range(MOMENTS):
            old = head.lock() if moment else {}
            (tmp_path / "ran").unlink(missing_ok=True)
            flow = head.start(*on(cluster))
            wait_until(lambda: any(at_work(clone.root, "flows.remote") for clone in clones))
            time.sleep(rng.uniform(0, 8))
            victim = rng.randrange(len(clones))
            recorded = set(new_entries(head, old))
            kill(workers[victim], clones[victim])
            text, _ = flow.communicate()
            assert flow.returncode == 0, text
            again = {name for name in recorded if ran(head).count(name) > 1}
            assert not again, text  # though the worker that made it is dead
            assert (head.root / "report").read_text().strip() == '{"size": 18}'
            assert head.dvc("status").strip() == "Data and pipelines are up to date."
            workers[victim] = cluster.add(clones[victim])
            change(head, moment)
            for clone in clones:
                update(clone)


def new_entries(head, old):
    """Return the stages of dvc.lock that were not so before."""
    if not (head.root / "dvc.lock").is_file():
        return []
    return [name for name, entry in head.lock().items() if entry != old.get(name)]


def kill(worker, clone):
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not at_work(clone.root), seconds=10)


def change(head, number):
    """Make other commands of the same stages, so that DVC knows none of them, and commit."""
    file = head.root / "dvc.yaml"
    file.write_text(file.read_text().replace("sleep 0.5", f"sleep 0.5{number}", 5))
    commit(head)


def update(clone):
    subprocess.run(["git", "fetch", "--quiet"], cwd=clone.root, check=True)
    subprocess.run(["git", "checkout", "--quiet", "--force", "FETCH_HEAD"], cwd=clone.root, check=True)


def at_work(folder: Path, word: str = "") -> list[psutil.Process]:
    """Return the processes at work in a folder whose command holds a word, workers aside."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = " ".join(process.cmdline())
            is_here = process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder)
            if is_here and word in line and "dask_worker" not in line:
                found.append(process)
    return found
