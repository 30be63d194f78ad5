"""The guard ends everything below it: whoever dies first."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from flows import guard

# A command as stubborn as can be: it ignores SIGINT and SIGTERM, and has a child in a session of its own.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def guarded():
    """A guard with a stubborn command: the guard, the command's process id and its child's."""
    process = subprocess.Popen(
        [sys.executable, "-I", guard.__file__, sys.executable, "-c", STUBBORN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    grandchild = int(process.stdout.readline())
    (command,) = psutil.Process(process.pid).children()
    yield process, command.pid, grandchild
    for pid in (process.pid, command.pid, grandchild):
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()


def gone_within(seconds, *pids):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(map(alive, pids)):
            return True
        time.sleep(0.02)
    return False


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("code", [0, 3])
def test_exit_code_is_the_commands(code):
    done = run_guarded(f"import sys; sys.exit({code})")
    assert done.returncode == code


# The guard of a command that has ended before the guard looks at it.
LATE = """
import os, subprocess, sys
from flows import guard
start = subprocess.Popen
def start_and_end(*args, **options):
    process = start(*args, **options)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return process
subprocess.Popen = start_and_end
sys.exit(guard.main())
"""


def test_command_that_ends_at_once_keeps_its_exit_code():
    command = [sys.executable, "-c", LATE, sys.executable, "-c", "import sys; sys.exit(7)"]
    done = subprocess.run(command, stdin=subprocess.PIPE, check=False)
    assert done.returncode == 7


def test_death_by_a_signal_is_told_as_a_shell_does():
    done = run_guarded("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 128 + signal.SIGKILL


def test_what_the_command_leaves_behind_is_killed():
    done = run_guarded(
        "import subprocess, sys; p = subprocess.Popen(['sleep', '600'], start_new_session=True,"
        "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(p.pid)"
    )
    assert gone_within(1, int(done.stdout))


def test_closed_pipe_ends_all_within_two_seconds(guarded):
    process, command, grandchild = guarded
    process.stdin.close()
    assert gone_within(2, process.pid, command, grandchild)


def test_killed_command_takes_its_children_along(guarded):
    process, command, grandchild = guarded
    os.kill(command, signal.SIGKILL)
    assert gone_within(2, process.pid, command, grandchild)


def test_terminated_guard_ends_all(guarded):
    process, command, grandchild = guarded
    process.terminate()
    assert gone_within(2, process.pid, command, grandchild)


def run_guarded(code):
    reading, writing = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-I", guard.__file__, sys.executable, "-c", code],
            stdin=reading,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(reading)
        os.close(writing)
