"""Small graphs of shell commands, and a Prefect server of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

import flows.server

ROOT = Path(__file__).parents[2]
QUIET = flows.server.QUIET | {"DVC_NO_ANALYTICS": "1"}


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
    return lambda stages=None, environment=None, name="workspace": _make(tmp_path / name, stages, environment)


@pytest.fixture(scope="session")
def server(start_server, tmp_path_factory):
    """Start a Prefect server on a free port; return the address of its API."""
    with start_server(tmp_path_factory.mktemp("prefect")) as url:
        yield url


@pytest.fixture(scope="session")
def start_server(free_port):
    """Return a context manager: a Prefect server with its files in `home`, ended by its process id."""

    @contextmanager
    def start(home, environment=None):
        port = str(free_port())
        url = f"http://127.0.0.1:{port}/api"
        # Without it the page asks PREFECT_API_URL or port 4200 for its data, whatever --port says.
        settings = QUIET | {"PREFECT_HOME": str(home), "PREFECT_UI_API_URL": "/api"} | (environment or {})
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        with (home / "server.log").open("a") as log:
            process = subprocess.Popen(
                command,
                env=os.environ | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                deadline = time.monotonic() + 90
                while not _is_up(url):
                    assert process.poll() is None, (home / "server.log").read_text()
                    assert time.monotonic() < deadline, (home / "server.log").read_text()
                    time.sleep(0.2)
                yield url
            finally:
                process.terminate()
                process.wait(60)

    return start


@pytest.fixture(scope="session")
def free_port():
    """Return a function that finds a port of this machine that nobody listens on."""

    def find():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    return find


@pytest.fixture
def served(new_workspace, server):
    """Return a function that makes a workspace whose runs are on the server's page."""
    return lambda stages: new_workspace(stages, {"PREFECT_API_URL": server})


@pytest.fixture(scope="session")
def served_once(tmp_path_factory, server):
    """As `served`, for a run that several tests look at."""
    return lambda stages: _make(tmp_path_factory.mktemp("once") / "workspace", stages, {"PREFECT_API_URL": server})


def _make(root, stages, environment):
    """Make a workspace, with a graph if there are stages."""
    (root / ".dvc").mkdir(parents=True)
    shutil.copyfile(ROOT / ".dvc" / "config", root / ".dvc" / "config")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    workspace = Workspace(root, environment or {})
    if stages:
        workspace.write_graph(stages)
    return workspace


def _is_up(url):
    try:
        return httpx.get(f"{url}/health").text.strip() == "true"
    except httpx.HTTPError:
        return False
