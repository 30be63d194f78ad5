"""Small graphs of shell commands, and a Prefect server of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest
from workspaces import QUIET, ROOT, Workspace


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
        settings = QUIET | {"PREFECT_HOME": str(home)} | (environment or {})
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
def new_workspace_once(tmp_path_factory):
    """As `new_workspace`, for one that several tests look at."""
    return lambda stages=None, environment=None: _make(
        tmp_path_factory.mktemp("once") / "workspace", stages, environment
    )


@pytest.fixture(scope="session")
def served_once(new_workspace_once, server):
    """As `served`, for a run that several tests look at."""
    return lambda stages: new_workspace_once(stages, {"PREFECT_API_URL": server})


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
