"""A Prefect server on this machine: found, or started and left running so that its page can be read."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from filelock import FileLock
from prefect.logging.handlers import APILogWorker
from prefect.settings import get_current_settings

from flows import guard
from flows.errors import NoServer

HOST = "127.0.0.1"
PATIENCE_SECONDS = 90
LAST_LINES_SECONDS = 5
QUIET = {  # settings of a server that asks nobody outside, nor has its pages do so
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",  # these pages ask amplitude.com before they read the setting above
    "PREFECT_UI_API_URL": "/api",  # else its pages ask PREFECT_API_URL or port 4200, whatever its own port
}
ELSE = "or run with --no-server"
_SERVER = (sys.executable, "-m", "prefect", "server")


def find_or_start() -> tuple[str, bool]:
    """Return the address of a server's API, and whether it had to be started.

    A server that PREFECT_API_URL or the profile names is used and never started: it is somebody's.

    Raises:
        NoServer: the named one does not answer, or none could be started.
    """
    settings = get_current_settings()
    if named := settings.api.url:
        if (problem := problem_of(named)) is not None:
            raise NoServer(
                without_password(named), problem, f"Start it; or unset PREFECT_API_URL to have one started here; {ELSE}"
            )
        return named, False
    url = own_url()
    settings.home.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.home / "maskopt.lock"):  # of two that start at once, one would fail
        if problem_of(url) is None:
            return url, False
        if server := _in_background(settings.home / "server.pid"):  # busy, or of another port
            of_this_port = str(settings.server.api.port) in server.cmdline()
            if problem := _wait_for(url, lambda: not (of_this_port and server.is_running())):
                mend = "End it with `prefect server stop`, or set PREFECT_SERVER_API_PORT to its port"
                raise NoServer(url, f"{problem}, but process {server.pid} is a server", f"{mend}; {ELSE}")
            return url, False
        _start(url, settings.server.api.port)
    return url, True


def without_password(url: str) -> str:
    """Return an address as people may see it: without the user and the password that it may hold, whole or not."""
    return re.sub(r"^(\w+://)?.*@", r"\1", url)


def own_url() -> str:
    """Return the address of the API of the server that is found or started here."""
    return f"http://{HOST}:{get_current_settings().server.api.port}/api"


@contextmanager
def temporary(home: Path) -> Iterator[str]:
    """Have a server as long as this process wants it or lives; yield the address of its API.

    Prefect's own temporary server outlives a process that is killed.

    Args:
        home: folder of its database.

    Raises:
        NoServer: it does not start.
    """
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    url, log = f"http://{HOST}:{port}/api", home / "server.log"
    others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with (
        log.open("wb") as lines,
        subprocess.Popen(
            [sys.executable, "-I", guard.__file__, *_SERVER, "start", "--host", HOST, "--port", str(port)],
            env=others | QUIET | {"PREFECT_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the run, which still has something to tell it
        ) as process,
    ):
        if problem := _wait_for(url, lambda: process.poll() is not None):
            raise NoServer(url, problem, f"{log} has its last words")
        try:
            yield url
        finally:
            APILogWorker.drain_all(timeout=LAST_LINES_SECONDS)  # or a run's last lines find no server, and say so


def _start(url: str, port: int) -> None:
    """Start a server that stays, and wait until it answers."""
    done = subprocess.run(
        [*_SERVER, "start", "--background", "--host", HOST, "--port", str(port)],
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        check=False,
    )
    if problem := _wait_for(url, lambda: bool(done.returncode)):
        said = " ".join(done.stdout.split()) if done.returncode else problem
        raise NoServer(url, said, f"Set PREFECT_SERVER_API_PORT to a free port; {ELSE}")


def _in_background(note: Path) -> psutil.Process | None:
    """Return the server that Prefect noted as in the background; forget one that is gone."""
    try:
        process = psutil.Process(int(note.read_text(encoding="utf-8")))
        if any("prefect.server" in word for word in process.cmdline()):
            return process
    except FileNotFoundError:
        return None
    except (ValueError, psutil.Error):
        pass  # its number is nobody's, or was never written
    note.unlink()
    return None


def _wait_for(url: str, has_ended: Callable[[], bool]) -> str | None:
    """Wait until a server answers; return what is wrong once its process has ended or patience has."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (problem := problem_of(url)) is not None and not has_ended() and time.monotonic() < deadline:
        time.sleep(0.2)
    return problem


def problem_of(url: str) -> str | None:
    """Return why a server cannot be used, None if it can."""
    try:
        with httpx.Client(timeout=5, auth=_credentials()) as client:
            answer = client.get(f"{url}/health")
            closed = client.get(f"{url}/admin/version").status_code == httpx.codes.UNAUTHORIZED
    except httpx.InvalidURL:  # whose text may hold a piece of a password
        return "it is no address: want http://HOST:PORT/api, in a password %23 for # and %2F for /"
    except httpx.HTTPError as err:
        return f"{type(err).__name__} {err}".strip()
    if answer.text.strip() != "true":
        return f"it answers {answer.status_code} {answer.text[:80]!r}"
    if closed and not get_current_settings().api.key:  # of Prefect Cloud, which has another way in
        return "it wants a user and a password: set PREFECT_API_AUTH_STRING to those that it was started with"
    return None


def _credentials() -> tuple[str, str] | None:
    """Return user and password for a server that asks for them."""
    given = get_current_settings().api.auth_string
    if given is None:
        return None
    user, _, password = given.get_secret_value().partition(":")
    return user, password
