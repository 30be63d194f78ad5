"""Small graphs of shell commands, and a Prefect server of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

ROOT = Path(__file__).parents[2]
QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DVC_NO_ANALYTICS": "1"}


@dataclass(frozen=True)
class Workspace:
    """A repository with a dvc.yaml of shell commands, in which `maskopt run` runs."""

    root: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `maskopt ARGUMENTS`, its lines on one pipe."""
        command = [sys.executable, "-m", "maskopt", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=os.environ | QUIET | {"PYTHONPATH": str(ROOT)} | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Return what `maskopt ARGUMENTS` printed; its failure, or success where `fails`, fails the test."""
        process = self.start(*arguments)
        text, _ = process.communicate()
        assert (process.returncode != 0) == fails, text[-5000:]
        return text

    def dvc(self, *arguments: str) -> str:
        """Return what DVC printed."""
        command = [sys.executable, "-m", "dvc", *arguments]
        environment = os.environ | QUIET
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout

    def write_graph(self, stages: dict[str, dict[str, object]]) -> None:
        """Write dvc.yaml; the command of stage x makes file x, unless it says otherwise."""
        blocks = {name: {"outs": [name], **block} for name, block in stages.items()}
        (self.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": blocks}, sort_keys=False))

    def lock(self) -> dict[str, dict[str, object]]:
        """Return the entries of dvc.lock."""
        return yaml.safe_load((self.root / "dvc.lock").read_text())["stages"]


@pytest.fixture
def new_workspace(tmp_path):
    """Return a function that makes a workspace with a graph."""

    def make(stages=None, environment=None, name="workspace"):
        root = tmp_path / name
        (root / ".dvc").mkdir(parents=True)
        shutil.copyfile(ROOT / ".dvc" / "config", root / ".dvc" / "config")
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
        workspace = Workspace(root, environment or {})
        if stages:
            workspace.write_graph(stages)
        return workspace

    return make


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start a Prefect server on a free port; return the address of its API."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    log = (home / "server.log").open("w")
    environment = os.environ | QUIET | {"PREFECT_HOME": str(home)}
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 90
        while not _is_up(url):
            assert process.poll() is None, (home / "server.log").read_text()
            assert time.monotonic() < deadline, (home / "server.log").read_text()
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.fixture
def served(new_workspace, server):
    """Return a function that makes a workspace whose runs are on the server's page."""
    return lambda stages: new_workspace(stages, {"PREFECT_API_URL": server})


def _is_up(url):
    try:
        return httpx.get(f"{url}/health").text.strip() == "true"
    except httpx.HTTPError:
        return False
