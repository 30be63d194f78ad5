"""The head of a run on a Dask cluster: stages go to workers, each in its own clone; outputs go through DVC's remote.

The head keeps dvc.lock: it sends it with each stage, and puts the entry that comes back into it.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client, Future
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from flows import workspace as ws
from flows.child import Children
from flows.clone import commit_of, kept_by_git, outputs_of, refuse_uncommitted
from flows.errors import OURS, NoCluster, StageFailed, UnusableWorkers
from flows.graph import Stage
from flows.remote import Answer, Order, Work
from flows.shipped import carry_out_in_clone
from flows.stage import Outcome

CONNECT_SECONDS = 10


class DaskRunner:
    """Runs stages on workers, one at a time in each clone."""

    def __init__(self, workspace: Path, client: Client) -> None:
        self.workspace = workspace
        self.stopped = False
        self.jobs = len(client.nthreads())
        self.ran: list[str] = []
        self._client = client
        self._children = Children(workspace)
        self._order = Order(commit=commit_of(workspace), outputs=tuple(outputs_of(workspace)), work=None)
        self._under_way: set[Future] = set()
        self._lock = threading.Lock()

    def refuse_unusable(self) -> None:
        """Check this clone, and those of all workers that are there now.

        Raises:
            Uncommitted: this clone differs from its commit.
            UnusableWorkers: a worker's clone is another than this one, or no clone.
        """
        refuse_uncommitted(self.workspace, self._order.outputs)
        text, run = self._order.model_dump_json(), carry_out_in_clone()
        asked = {
            worker: self._client.submit(run, text, "", workers=[worker], allow_other_workers=False, pure=False)
            for worker in self._client.nthreads()
        }
        while waiting := [worker for worker, future in asked.items() if not future.done()]:
            for lost in set(waiting) - self._client.nthreads().keys():
                del asked[lost]  # its future would wait for it for ever
            time.sleep(0.1)
        answers = {worker: _answer(future) for worker, future in asked.items()}
        if problems := [
            f"{worker}: " + "\n".join(answer.lines).removeprefix(OURS)
            for worker, answer in answers.items()
            if answer.problem
        ]:
            raise UnusableWorkers(problems)

    def ask(self, *question: str) -> str:
        """Return what a DVC command prints, as `Runner` says."""
        return self._children.ask_dvc(*question)

    def run(self, stage: Stage, force: bool, show: Callable[[str], None]) -> Outcome:
        """Run a stage as `Runner` says; it also fails if no worker lived to its end."""
        topic = f"{stage.name}-{uuid.uuid4()}"
        self._client.subscribe_topic(topic, lambda event: show(event[1]))
        future = self._submitted(stage, force, topic)
        try:
            answer = _read(future.result())
        except (FutureCancelledError, KilledWorker) as err:
            reason = "was stopped" if self.stopped else "was lost with its worker"
            raise StageFailed(stage.name, reason, [str(err)]) from None
        finally:
            with self._lock:
                self._under_way.discard(future)  # an answer that is still wanted is made again when its worker dies
            self._client.unsubscribe_topic(topic)
        if answer.problem or not (answer.outcome and answer.entry):
            raise StageFailed(stage.name, answer.problem or "came back empty", answer.lines, answer.user_must_act)
        with self._lock:
            ws.write_files(self.workspace, answer.files)
            ws.note_entry(self.workspace, stage.name, answer.entry)
            self.ran.append(stage.name)
        return answer.outcome

    def stop(self) -> None:
        """End all stages under way, as `Runner` says."""
        with self._lock:
            self.stopped = True
            self._client.cancel(list(self._under_way), force=True)

    def _submitted(self, stage: Stage, force: bool, topic: str) -> Future:
        """Send a stage to the cluster."""
        with self._lock:
            if self.stopped:
                raise StageFailed(stage.name, "was stopped", [])
            known = ws.entries(self.workspace)
            made = [path for name in sorted(stage.upstream) for path in ws.outputs(known[name])]
            files = kept_by_git(self.workspace, made)
            work = Work(stage=stage, force=force, entries=known, files=files)
            future = self._client.submit(
                carry_out_in_clone(),
                self._order.model_copy(update={"work": work}).model_dump_json(),
                topic,
                key=topic,
                pure=False,
                resources=stage.settings.resources or None,
            )
            self._under_way.add(future)
        return future


@contextmanager
def on_cluster(workspace: Path, address: str) -> Iterator[DaskRunner]:
    """Connect to the cluster of a scheduler; at the end, bring home what was made there.

    Raises:
        NoCluster: nothing answers at the address, or there are no workers.
        Uncommitted, UnusableWorkers: of `DaskRunner.refuse_unusable`.
        DvcFailed: DVC's remote cannot be used.
    """
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as err:
        raise NoCluster(address, str(err)) from None
    with client:
        runner = DaskRunner(workspace, client)
        if not runner.jobs:
            raise NoCluster(address, "it has no workers")
        runner.refuse_unusable()
        runner.ask("pull", "--quiet", "--allow-missing")  # what a run that was killed has left there
        runner.ask("push", "--quiet")  # what workers stand on
        try:
            yield runner
        finally:
            if runner.ran:
                runner.ask("pull", "--quiet", "--force", *runner.ran)


def _answer(future: "Future") -> Answer:
    """Return what a worker answers, or why it could not be asked at all: it may have another Python."""
    if err := future.exception():
        return Answer(problem="cannot be asked", lines=(f"{type(err).__name__}: {err}",))
    return _read(future.result())


def _read(answer: str) -> Answer:
    if not answer.startswith("{"):
        return Answer(problem="was not answered for", lines=tuple(answer.splitlines()))
    return Answer.model_validate_json(answer)
