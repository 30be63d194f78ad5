"""A run from the command line: finds a server, runs the graph, and says how it ended."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from prefect.client.schemas import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import workspace as ws
from flows.errors import Unfinished
from flows.experiment import changed_params
from flows.graph import choose, read_graph
from flows.pipeline import refuse_missing_pictures, refuse_unusable_params, run_graph
from flows.plan import Plan, default_jobs
from flows.server import find_or_start, temporary, without_password
from maskopt.errors import MaskoptError
from maskopt.params import parse_params
from maskopt.paths import PARAMS


def launch(targets: Sequence[str], force: bool, jobs: int | None, cluster: str | None, server: bool) -> None:
    """Run the graph of this folder, or a part of it.

    Raises:
        Busy: another run is at work here.
        Unfinished: a stage failed; the message says which, and how to go on.
        NoServer: the Prefect server does not answer.
        MaskoptError: others of `run_graph`.
    """
    ws.refuse_busy(Path.cwd())  # at once: a server takes its time to start, and a flow that fails shows a traceback
    refuse_unusable_params()
    with _server(server):
        _end(run_graph(targets, force, jobs, cluster, return_state=True))


def experiment(overrides: Sequence[str], targets: Sequence[str], jobs: int | None, server: bool) -> None:
    """Run the graph of this folder once for each set of params.

    Raises:
        Busy: another run is at work here.
        Unfinished: an experiment failed; the others are saved.
        NoServer: the Prefect server does not answer.
        MaskoptError: others of `run_experiments`.
    """
    from flows.experiments import read_sets, run_experiments  # noqa: PLC0415  its parser is needed here alone

    ws.refuse_busy(Path.cwd())
    for values in read_sets(overrides):
        refuse_missing_pictures(parse_params(changed_params(PARAMS, values), PARAMS))
    with _server(server):
        _end(run_experiments(overrides, targets, jobs, return_state=True))


def search(max_kb: int, jobs: int | None, server: bool) -> None:
    """Look for the best model within a size.

    Raises:
        Busy: another run is at work here.
        Unfinished: none was found.
        NoServer: the Prefect server does not answer.
        MaskoptError: others of `refuse_unusable_params`.
        MaskoptError: others of `run_search`.
    """
    from flows.search import run_search  # noqa: PLC0415  Optuna is needed here alone

    ws.refuse_busy(Path.cwd())
    refuse_unusable_params()
    with _server(server):
        _end(run_search(max_kb, jobs, return_state=True))


def schedule(cron: str, targets: Sequence[str]) -> None:
    """Run the graph of this folder whenever it is due, until this process is ended.

    Raises:
        NoServer: the Prefect server does not answer.
        UnusableCron: the time cannot be read.
        MaskoptError: others of `refuse_unusable_params`.
    """
    from flows.schedule import read_cron, serve  # noqa: PLC0415

    due = read_cron(cron)
    refuse_unusable_params()
    with _server(wanted=True):
        serve(due, targets)


@contextmanager
def _server(wanted: bool) -> Iterator[None]:
    """Have runs recorded by a server that is found or started; by one that ends with them if it is not wanted."""
    with ExitStack() as stack:
        if wanted:
            url, started = find_or_start()
            end = " (started; end it with `prefect server stop`)" * started
        else:
            url = stack.enter_context(temporary(Path.cwd() / ws.OURS / "prefect"))
            end = ": it ends with this run, whose history is lost"
        _say(f"Prefect's page: {without_password(url).removesuffix('/api')}{end}")
        os.environ["PREFECT_API_URL"] = url  # for the runs that experiments start
        stack.enter_context(temporary_settings({PREFECT_API_URL: url}))
        yield


def _end(state: State[Any]) -> None:
    """Say how a run ended; raise if it did not end well."""
    if not state.is_completed():
        err = state.result(raise_on_failure=False)
        raise err if isinstance(err, MaskoptError) else Unfinished(state.message)
    _say(state.message or "")


def describe(targets: Sequence[str], force: bool, jobs: int | None) -> None:
    """Print what a run would do, with the seconds that its stages took when they last ran.

    Raises:
        Busy: another run is at work here: DVC looks at no file that a stage is writing, and says to remove its locks.
        MaskoptError: others of `refuse_unusable_params`.
    """
    here = Path.cwd()
    ws.refuse_busy(here)
    refuse_unusable_params()
    graph, asked = choose(read_graph(here), targets)
    seconds = ws.durations(here)
    plan = Plan(graph, jobs or default_jobs(here), seconds)
    forced = asked if force else frozenset()
    to_run: list[str] = []
    for name, stage in graph.items():
        if name in forced or stage.changed or stage.upstream & set(to_run):
            to_run.append(name)
            print(f"{name}  {f'{seconds[name]:.0f} s' if name in seconds else 'never ran here'}")  # noqa: T201
    left = plan.seconds_left(to_run) if to_run else 0
    unknown = len(plan.unknown.intersection(to_run))
    about = f"more than {left:.0f} s: {unknown} never ran here" if unknown else f"about {left:.0f} s"
    print(f"{len(to_run)} of {len(graph)} stages to run, {plan.jobs} side by side, {about}")  # noqa: T201
    if set(to_run) - forced:  # which ones, DVC knows when what they stand on is there
        print("of these, DVC takes from its cache what it still holds of an earlier run on the same inputs")  # noqa: T201


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
