"""A shared Prefect server on Debian's PostgreSQL, set up as docs/prefect-server.md says."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PASSWORD = "p@ss/word"  # in an address: p%40ss%2Fword
USER_OF_PAGES = "team:secret"
GRAPH = {"a": {"cmd": "echo 1 > a"}, "b": {"cmd": "cat a > b", "deps": ["a"]}}


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server on loopback."""

    tools: Path
    port: int

    @property
    def url(self):
        return f"postgresql+asyncpg://prefect:p%40ss%2Fword@127.0.0.1:{self.port}/prefect"

    def run(self, tool, *arguments, user="prefect"):
        """Return what one of PostgreSQL's commands printed."""
        command = [self.tools / tool, "--host", "127.0.0.1", "--port", str(self.port), "--username", user, *arguments]
        environment = os.environ | {"PGPASSWORD": PASSWORD}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout

    def ask(self, query):
        return self.run("psql", "--tuples-only", "--no-align", "--command", query, "prefect").splitlines()

    def is_up(self):
        command = [self.tools / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(self.port)]
        return not subprocess.run(command, check=False).returncode


@pytest.fixture
def database(free_port):
    """Start PostgreSQL in a folder of its own, with a database `prefect` of an ordinary user."""
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), default=None)
    if tools is None or not (tools / "postgres").is_file():
        pytest.skip("no PostgreSQL: apt-get install -y postgresql")
    # It refuses to run as root, and its own user cannot look into pytest's folders.
    owner = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "password").write_text(PASSWORD)
        if owner:
            for path in (root, root / "password"):
                shutil.chown(path, "postgres", "postgres")
        where = ["--pgdata", root / "data", "--pwfile", root / "password", "--username", "admin"]
        options = {"cwd": root, "stdout": subprocess.DEVNULL, **owner}
        subprocess.run([tools / "initdb", *where, "--auth", "scram-sha-256"], check=True, **options)
        made = Database(tools, free_port())
        command = [tools / "postgres", "-D", root / "data", "-h", "127.0.0.1", "-p", str(made.port), "-k", root]
        with (root / "log").open("w") as log:
            process = subprocess.Popen(command, stderr=log, **options)
        try:
            wait_until_up(made, process, root / "log")
            made.run("psql", "--command", f"CREATE USER prefect PASSWORD '{PASSWORD}'", "postgres", user="admin")
            made.run("createdb", "--owner", "prefect", "prefect", user="admin")
            yield made
        finally:
            process.send_signal(signal.SIGINT)  # its "fast" shutdown: waits for nobody
            process.wait(60)


def wait_until_up(database, process, log):
    deadline = time.monotonic() + 60
    while not database.is_up():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_history_is_in_postgresql_and_outlives_the_server(database, start_server, new_workspace, tmp_path):
    settings = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.url,
        "PREFECT_SERVER_API_AUTH_STRING": USER_OF_PAGES,
    }
    homes = [tmp_path / "before", tmp_path / "after"]  # nothing of the first server's files is there for the second
    for home in homes:
        home.mkdir()
    with start_server(homes[0], settings) as url:
        client = {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": USER_OF_PAGES}
        new_workspace(GRAPH, client).run("run")
    assert database.ask("SELECT state_name FROM flow_run") == ["Completed"]
    assert database.ask("SELECT name, state_name FROM task_run ORDER BY name") == ["a|Completed", "b|Completed"]
    with start_server(homes[1], settings) as url, SyncPrefectClient(url, auth_string=USER_OF_PAGES) as client:
        (run,) = client.read_flow_runs()
        logs = client.request("POST", "/logs/filter", json={"limit": 200}).json()
    assert run.state.message == "2 stages ran, 0 were cached"
    assert "> cat a > b" in [log["message"] for log in logs]
    assert not [file for home in homes for file in home.glob("*.db")]
