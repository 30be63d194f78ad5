"""The flow: each stage of dvc.yaml is one task run, started when what it stands on is done."""

import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import allow_failure, flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run, task_run
from prefect.states import Completed, Failed
from prefect.utilities.urls import url_for

from flows import workspace as ws
from flows.artifacts import show_failure, show_results
from flows.errors import RunFailed, StageFailed
from flows.flow_runs import name_after, reason, stop_if_cancelled, this_run
from flows.graph import Stage, choose, read_graph
from flows.noise import is_noise, keep_skipped_off_terminal, leave_out_cached
from flows.plan import Plan, default_jobs
from flows.progress import Progress
from flows.stage import LocalRunner, Outcome, Runner
from maskopt.errors import MissingFile, UnknownName
from maskopt.params import Params, load_params
from maskopt.paths import PARAMS
from maskopt.terminal import legible

POLL_SECONDS = 2
CACHED, RESTORED = Outcome.CACHED.value, Outcome.RESTORED.value
RETRIED = "Retried"
SKIPPED = "Skipped"

leave_out_cached(CACHED)
keep_skipped_off_terminal(SKIPPED)


def name_of_run() -> str:
    """Return what the page calls a run: what was asked for, of which commit, when."""
    return name_after(", ".join(flow_run.parameters.get("targets") or ["all stages"]))


@flow(name="maskopt", flow_run_name=name_of_run, validate_parameters=False)
def run_graph(
    targets: Sequence[str] = (), force: bool = False, jobs: int | None = None, cluster: str | None = None
) -> State:
    """Run what has changed of the graph in this folder, or of the part that targets ask for.

    Args:
        targets: stages, or words of their names (a backbone, a variant); none: all.
        force: run the asked for stages even if nothing changed.
        jobs: slots for stages side by side; None: from cores, memory and training.threads, or one for each worker.
        cluster: address of the scheduler of a Dask cluster whose workers run the stages; None: this machine runs them.
    """
    here = Path.cwd()
    refuse_unusable_params()
    with this_run(here):
        ws.mend(here)
        with _runner(here, cluster) as runner:
            try:
                graph, asked = choose(read_graph(here, runner.ask), targets)
            except UnknownName as err:  # raised, it would have a traceback
                return Failed(message=str(err), data=err)
            plan = Plan(graph, jobs or runner.jobs, ws.durations(here))
            run = _Run(plan, runner, asked if force else frozenset(), here)
            run.run_all()
        show_results(here, [name for name, state in run.states.items() if state.name != SKIPPED])
    if failed := run.failed():
        show_failure("\n".join(reason(state) for state in failed.values()))
    return run.state()


@contextmanager
def _runner(workspace: Path, cluster: str | None) -> Iterator[Runner]:
    if cluster is None:
        yield LocalRunner(workspace, default_jobs(workspace))
        return
    from flows.workers import on_cluster  # noqa: PLC0415  Dask takes half a second to import

    with on_cluster(workspace, cluster) as runner:
        yield runner


def refuse_unusable_params() -> None:
    """Say what is wrong with params.yaml in this folder before anything runs, where no stage would.

    DVC runs nothing for a key that no stage reads, and looks for what fetch depends on before fetch can say what to do.

    Raises:
        InvalidParams: params.yaml has values that cannot be used.
        MissingFile: the pictures are not where params.yaml says.
    """
    if not PARAMS.is_file():
        return  # a graph of other stages
    refuse_missing_pictures(load_params(PARAMS))


def refuse_missing_pictures(params: Params) -> None:
    """Say where pictures should be and are not.

    Raises:
        MissingFile: the pictures are not where params say.
    """
    data = params.data
    if data.source in ("archive", "folder") and not data.path.exists():
        raise MissingFile(data.path, "put the pictures there, or set data.path in params.yaml to where they are")


@task(task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def _run_stage(stage: Stage, runner: Runner, force: bool) -> State:
    """Run one stage; its lines are the lines of this task run."""
    logger, started = get_run_logger(), time.monotonic()
    try:
        outcome = runner.run(stage, force, lambda line: None if is_noise(line) else logger.info(legible(line)))
    except StageFailed:
        ws.mend(runner.workspace)  # before it is tried again: a killed DVC leaves things half-written
        raise
    if outcome is Outcome.CACHED:
        return Completed(name=CACHED, message="not run: it and what it stands on are as dvc.lock says")
    if outcome is Outcome.RESTORED:
        return Completed(name=RESTORED, message="not run: its outputs are of an earlier run, from DVC's cache")
    message = f"ran for {time.monotonic() - started:.1f} s"
    if stage.is_idle(runner.workspace):
        message += f", with nothing to do: {stage.settings.idle_without} is null in {PARAMS}"
    if task_run.run_count > 1:
        return Completed(name=RETRIED, message=f"{message}, at try {task_run.run_count}")
    return Completed(message=message)


@task(task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def _show_cached(stage: Stage) -> State:  # noqa: ARG001  its name is shown
    return Completed(name=CACHED, message="unchanged, like all that it stands on")


@task(task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def _show_skipped(stage: Stage, reason: str) -> State:  # noqa: ARG001  its name is shown
    # Of type "failed", since Prefect's `allow_failure` lets what comes after see no other unhappy end.
    return Failed(name=SKIPPED, message=reason)


class _Run:
    """A plan at work: no thread waits for what is upstream; this one starts what is ready and hears what ended."""

    def __init__(self, plan: Plan, runner: Runner, forced: frozenset[str], workspace: Path) -> None:
        self.plan, self.runner, self.forced, self.workspace = plan, runner, forced, workspace
        self.states: dict[str, State] = {}
        self._futures: dict[str, PrefectFuture[Any]] = {}
        self._started: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._logger = get_run_logger()

    def run_all(self) -> None:
        """Start each stage when it can be, until all have ended; stop all of them if this is interrupted."""
        self._logger.info("%d stages, up to %d side by side", len(self.plan.graph), self.plan.jobs)
        self._logger.info("the page of this run: %s", url_for("flow-run", obj_id=flow_run.id))
        try:
            with Progress(self.plan) as progress:
                look_again = time.monotonic() + POLL_SECONDS
                while self.plan.waiting or self.plan.running:
                    for name in self.plan.ready():
                        self._start(name)
                    if time.monotonic() >= look_again:
                        stop_if_cancelled()
                        look_again = time.monotonic() + POLL_SECONDS
                    try:
                        name = self._ended.get(timeout=POLL_SECONDS)
                    except queue.Empty:
                        continue
                    self._end(name)
                    progress.ended(name, self.states[name])
                    if self.states[name].name not in (CACHED, SKIPPED):  # hundreds of them would say nothing
                        self._logger.info(progress.line())
        except BaseException:
            self.runner.stop()
            raise
        finally:
            ws.note_durations(self.workspace, self._seconds)

    def failed(self) -> dict[str, State]:
        """Return the states of the stages that failed; those that were skipped for that did not."""
        return {
            name: state for name, state in self.states.items() if not state.is_completed() and state.name != SKIPPED
        }

    def state(self) -> State:
        """Return how the run ended, in words."""
        if failed := self.failed():
            skipped = sum(state.name == SKIPPED for state in self.states.values())
            briefs = [self._brief(name, state) for name, state in failed.items()]
            return Failed(message=str(RunFailed(briefs, skipped)))
        ran = len(self._seconds)
        if not ran:
            return Completed(message=f"Nothing changed: all {len(self.states)} stages were cached")
        return Completed(message=f"{ran} stages ran, {len(self.states) - ran} were cached")

    def _brief(self, name: str, state: State) -> str:
        err = state.result(raise_on_failure=False)
        return err.brief(url_for(self._futures[name])) if isinstance(err, StageFailed) else reason(state)

    def _start(self, name: str) -> None:
        """Start a stage if it need not wait for slots."""
        stage = self.plan.graph[name]
        upstream = [self._futures[other] for other in sorted(stage.upstream)]
        if failed := self.plan.failed_upstream(name):
            reason = f"{', '.join(failed)} did not end well"
            future = _show_skipped.submit(
                stage, reason, wait_for=[allow_failure(other) for other in upstream], return_state=False
            )
            slots = 0
        elif self._is_cached(stage):
            future = _show_cached.submit(stage, wait_for=upstream, return_state=False)
            slots = 0
        elif self.plan.fits(name):
            settings = stage.settings
            future = _run_stage.with_options(
                tags=settings.tags,
                retries=settings.retries,
                retry_delay_seconds=settings.retry_delays_seconds,
                retry_jitter_factor=0.3,
                retry_condition_fn=lambda _, __, state: self._is_worth_a_retry(state),
            ).submit(stage, self.runner, name in self.forced, wait_for=upstream, return_state=False)
            slots = self.plan.slots(name)
        else:
            return
        self.plan.start(name, slots)
        self._futures[name] = future
        self._started[name] = time.monotonic()
        future.add_done_callback(lambda _: self._ended.put(name))

    def _is_worth_a_retry(self, state: State) -> bool:
        err = state.result(raise_on_failure=False)
        return not self.runner.stopped and not (isinstance(err, StageFailed) and err.user_must_act)

    def _end(self, name: str) -> None:
        self._futures[name].wait()
        state = self.states[name] = self._futures[name].state
        self.plan.end(name, well=state.is_completed())
        if state.is_completed() and state.name not in (CACHED, RESTORED):
            self._seconds[name] = time.monotonic() - self._started[name]

    def _is_cached(self, stage: Stage) -> bool:
        """Tell whether DVC need not be asked again: what a stage stands on is as it was when DVC was, at the start."""
        unchanged = not stage.changed and stage.name not in self.forced
        return unchanged and all(self.states[other].name == CACHED for other in stage.upstream)
