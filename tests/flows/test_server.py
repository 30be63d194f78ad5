"""A Prefect server that maskopt starts: it is found again, its pages ask it, and no other process is ended for it."""

import os
import subprocess
import sys

import httpx
import psutil
import pytest
from workspaces import QUIET, ROOT, wait_until

from flows.server import temporary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CODE = "from flows.server import find_or_start; print(find_or_start())"


@pytest.fixture
def home(tmp_path, free_port):
    """Variables of a Prefect of its own; what was noted as its server in the background is ended."""
    variables = {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_API_PORT": str(free_port())}
    yield variables
    note = tmp_path / "server.pid"
    if note.is_file():
        server = psutil.Process(int(note.read_text()))
        server.terminate()
        server.wait(60)


def found(home, **others):
    """Return the address that `find_or_start` finds and whether it had to start it, or its error."""
    environment = os.environ | QUIET | home | others
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr


def test_server_is_started_once_and_its_pages_ask_it(home):
    url = f"http://127.0.0.1:{home['PREFECT_SERVER_API_PORT']}/api"
    assert found(home) == f"('{url}', True)"
    assert found(home) == f"('{url}', False)"
    assert httpx.get(f"{url.removesuffix('/api')}/ui-settings").json()["api_url"] == "/api"


def listening(server):
    """The addresses that a process and those it has started listen on."""
    sockets = [each for process in (server, *server.children(True)) for each in process.net_connections("inet")]
    return {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}


def test_server_listens_on_this_machine_alone(home, tmp_path):
    found(home)
    assert listening(psutil.Process(int((tmp_path / "server.pid").read_text()))) == {"127.0.0.1"}


def test_temporary_server_listens_on_this_machine_alone(tmp_path):
    before = set(psutil.Process().children())
    with temporary(tmp_path):
        (started,) = set(psutil.Process().children()) - before
        assert listening(started) == {"127.0.0.1"}


def test_number_of_a_server_that_is_gone_is_nobodys_to_end(home, tmp_path):
    with subprocess.Popen(["sleep", "600"]) as other:
        (tmp_path / "server.pid").write_text(str(other.pid))
        assert found(home).endswith("True)")
        assert other.poll() is None
        other.kill()


def test_server_of_another_port_is_told_and_not_ended(home, tmp_path, free_port):
    found(home)
    server = int((tmp_path / "server.pid").read_text())
    text = found(home, PREFECT_SERVER_API_PORT=str(free_port()))
    assert (
        f"but process {server} is a server. End it with `prefect server stop`, or set PREFECT_SERVER_API_PORT" in text
    )
    assert psutil.pid_exists(server)


def test_temporary_server_has_pages_of_its_own_and_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with temporary(tmp_path) as url:
        page = url.removesuffix("/api")
        assert httpx.get(f"{page}/ui-settings").json()["api_url"] == "/api"

    def is_gone():
        try:
            httpx.get(page)
        except httpx.ConnectError:
            return True

    wait_until(is_gone, seconds=30)
