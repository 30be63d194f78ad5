"""What the flow costs beside the stages: `make bench-flow` prints a Markdown table.

Each figure is wall-clock seconds of a whole command, Python's start included, with a Prefect server that is up already.
`--quick` also takes the quick profile of the repository through `dvc repro` and through the flow, cold, in two clones.
"""

import argparse
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import yaml
from distributed import Client
from machine import ROOT, environment, introduce, say

MASKOPT = (sys.executable, "-m", "maskopt")
DVC = (sys.executable, "-m", "dvc")
ROUNDS = 10
SETTLED_SECONDS = 15  # in which the server takes in what a run has told it
Stages = dict[str, dict[str, object]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the quick profile too: half an hour")
    quick = parser.parse_args().quick
    introduce(("prefect", "dvc"))
    say("| what | seconds | CPU seconds |\n| --- | --- | --- |")
    with TemporaryDirectory() as folder, server(Path(folder)):
        measure_sleeping(Path(folder) / "sleeping")
        measure_unchanged(Path(folder) / "unchanged")
        measure_killed(Path(folder) / "killed")
        measure_cluster(Path(folder) / "cluster")
        if quick:
            measure_quick(Path(folder))


def measure_sleeping(folder: Path) -> None:
    """Forty stages that each sleep one second, eight side by side; every run has all of them in dvc.lock."""
    make(folder, {})
    times, cpu = [], []
    for number in range(ROUNDS):
        write_graph(folder, {f"s{i}": {"cmd": f"sleep 1; echo {number} > s{i}", "outs": [f"s{i}"]} for i in range(40)})
        (folder / "dvc.lock").unlink(missing_ok=True)
        seconds, cpu_seconds = timed(folder, *MASKOPT, "run", "--jobs", "8")
        times.append(seconds)
        cpu.append(cpu_seconds)
        recorded = len(yaml.safe_load((folder / "dvc.lock").read_text())["stages"])
        assert recorded == 40, f"round {number}: {recorded} of 40 stages are in dvc.lock"
    show(f"40 stages of 1 s, 8 jobs, {ROUNDS} runs, 40 in dvc.lock each time", times, cpu)


def measure_unchanged(folder: Path) -> None:
    """Two hundred stages with nothing to do."""
    make(folder, {f"s{i}": {"cmd": f"echo 1 > s{i}", "outs": [f"s{i}"]} for i in range(200)})
    timed(folder, *DVC, "repro", "--quiet")
    for name, command in (("the flow", (*MASKOPT, "run")), ("`dvc repro`", (*DVC, "repro"))):
        pairs = []
        for _ in range(ROUNDS):
            time.sleep(SETTLED_SECONDS)
            pairs.append(timed(folder, *command))
        show(f"200 unchanged stages, {name}, {ROUNDS} runs", *zip(*pairs, strict=True))


def measure_killed(folder: Path) -> None:
    """From SIGKILL of the flow to the end of the last process in its workspace."""
    make(folder, {f"s{i}": {"cmd": f"sleep 30; echo > s{i}", "outs": [f"s{i}"]} for i in range(4)})
    times = []
    for _ in range(ROUNDS):
        flow = subprocess.Popen(
            [*MASKOPT, "run", "--jobs", "4"], cwd=folder, env=environment(), stderr=subprocess.DEVNULL
        )
        while sum("sleep" in process.info["name"] for process in at_work(folder)) < 4:
            time.sleep(0.05)
        flow.send_signal(signal.SIGKILL)
        flow.wait()
        killed = time.monotonic()
        while at_work(folder):
            time.sleep(0.01)
        times.append(time.monotonic() - killed)
    assert max(times) < 2, f"something of a killed flow lived for {max(times):.1f} s"
    show(f"SIGKILL of the flow until nothing of 4 stages is left, {ROUNDS} times", times, [])


def measure_cluster(folder: Path) -> None:
    """What each stage of a chain adds, here and on one worker of a Dask cluster, a folder as DVC's remote."""
    short, long = 2, 12
    for name, on_cluster in (("here", False), ("on a worker", True)):
        took = []
        for length in (short, long):
            head = folder / f"{name}-{length}".replace(" ", "-")
            make(head, chain(length))
            with cluster(head) if on_cluster else nullcontext(()) as options:
                took.append(timed(head, *MASKOPT, "run", "--jobs", "1", *options))
        seconds, cpu = ((after - before) / (long - short) for before, after in zip(*took, strict=True))
        show(f"a stage that does nothing, {name}", [seconds], [cpu] if not on_cluster else [])


def chain(length: int) -> Stages:
    """Return stages that each read what the one before has written."""
    return {
        f"s{i}": {"cmd": f"echo {i} > s{i}", "outs": [f"s{i}"], "deps": [f"s{i - 1}"] if i else []}
        for i in range(length)
    }


@contextmanager
def cluster(head: Path) -> Iterator[tuple[str, ...]]:
    """Have a scheduler and one worker in a clone of `head`; yield the options that send stages there."""
    clone, store = head.with_name(f"{head.name}-clone"), head.with_name(f"{head.name}-store")
    run = partial(subprocess.run, capture_output=True, check=True)
    run(["git", "clone", "--quiet", str(head), str(clone)])
    for workspace in (head, clone):
        run([*DVC, "remote", "add", "--local", "--default", "store", str(store)], cwd=workspace)
    address = f"tcp://127.0.0.1:{free_port()}"
    scheduler = ("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
    started = []
    try:
        for where, options in ((head.parent, scheduler), (clone, ("worker", address, "--nthreads", "1", "--no-nanny"))):
            command = [sys.executable, "-m", f"distributed.cli.dask_{options[0]}", *options[1:], "--no-dashboard"]
            started.append(subprocess.Popen(command, cwd=where, env=environment(), stderr=subprocess.DEVNULL))
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        yield ("--runner", "dask", "--address", address)
    finally:
        for process in started:
            process.kill()
            process.wait()


def measure_quick(folder: Path) -> None:
    """The quick profile, cold; the flow must leave what `dvc repro` leaves."""
    seconds, locks = {}, {}
    for name, command in (("`dvc repro`", (*DVC, "repro")), ("the flow", (*MASKOPT, "run"))):
        clone = folder / name.strip("`").replace(" ", "-")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds[name], cpu_seconds = timed(clone, *command)
        locks[name] = yaml.safe_load((clone / "dvc.lock").read_text())["stages"]
        show(f"quick profile, cold, {name}", [seconds[name]], [cpu_seconds])
    one, other = locks.values()
    same = [stage for stage in one if stage not in {"latency", "report"} and one[stage] == other.get(stage)]
    ratio = seconds["the flow"] / seconds["`dvc repro`"]
    different = sorted(one.keys() - set(same) - {"latency", "report"})
    assert not different, f"the flow's entries of dvc.lock differ from serial ones: {different}"
    say(f"\nThe flow takes {ratio:.2f} of the time. Its dvc.lock has the same entries, latency and report aside.")


def make(folder: Path, stages: Stages) -> None:
    """Make a repository with a graph."""
    (folder / ".dvc").mkdir(parents=True)
    for name in ("config", ".gitignore"):
        shutil.copyfile(ROOT / ".dvc" / name, folder / ".dvc" / name)
    (folder / ".gitignore").write_text("/s[0-9]*\n", encoding="utf-8")
    write_graph(folder, stages)
    author = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for command in (("init", "--quiet"), ("add", "--all"), (*author, "commit", "--quiet", "--message", "x")):
        subprocess.run(["git", *command], cwd=folder, check=True)


def write_graph(folder: Path, stages: Stages) -> None:
    """Write dvc.yaml."""
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False), encoding="utf-8")


def timed(folder: Path, *command: str) -> tuple[float, float]:
    """Return the seconds that a command takes, and the CPU seconds of its processes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def at_work(folder: Path) -> list[psutil.Process]:
    """Return the processes that are at work in a folder, what they were then in `info`."""
    return [
        process
        for process in psutil.process_iter(["cwd", "name", "status"])
        if process.info["cwd"] == str(folder) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


@contextmanager
def server(folder: Path) -> Iterator[None]:
    """Have a Prefect server of its own on a free port, found by the flows."""
    os.environ |= {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_API_PORT": str(free_port())}
    start = "from flows.server import find_or_start; find_or_start()"
    subprocess.run([sys.executable, "-c", start], cwd=ROOT, env=environment(), capture_output=True, check=True)
    try:
        yield
    finally:
        subprocess.run([sys.executable, "-m", "prefect", "server", "stop"], capture_output=True, check=False)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def show(what: str, seconds: list[float] | tuple[float, ...], cpu: list[float] | tuple[float, ...]) -> None:
    """Print a row: the median, and the range of several runs."""
    say(f"| {what} | {middle(seconds)} | {middle(cpu) if cpu else '-'} |")


def middle(values: list[float] | tuple[float, ...]) -> str:
    """Return the median, and the range of several."""
    span = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.1f}{span}"


if __name__ == "__main__":
    main()
