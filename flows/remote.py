"""One stage in the clone of a Dask worker, as a process of its own: `python -m flows.remote FOLDER`.

FOLDER/order.json -> FOLDER/answer.json. Outputs go through DVC's remote; what git keeps goes with order and answer.
"""

import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows import workspace as ws
from flows.clone import kept_by_git, refuse_other_commit, refuse_uncommitted
from flows.errors import OURS, StageFailed
from flows.graph import Stage
from flows.stage import LocalRunner, Outcome
from maskopt.errors import MaskoptError

ORDER, ANSWER = "order.json", "answer.json"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")


class Work(_Message):
    """A stage, and what a clone needs to run it."""

    stage: Stage
    force: bool
    entries: dict[str, ws.Entry]  # of dvc.lock, by stage
    files: dict[str, bytes]  # of upstream stages, by path: those that git keeps


class Order(_Message):
    """What a worker is to do."""

    commit: str
    outputs: tuple[str, ...]  # of all stages: they may differ from the commit
    work: Work | None  # None: only look whether this clone can be used


class Answer(_Message):
    """What came of it."""

    problem: str | None = None  # in words that follow the stage's name
    lines: tuple[str, ...] = ()  # about it
    user_must_act: bool = False  # it would come again
    outcome: Outcome | None = None
    entry: ws.Entry | None = None  # of the stage, in dvc.lock
    files: dict[str, bytes] = {}  # that the stage made and git keeps, by path


def main() -> None:
    """Carry out the order in the folder that the command line names."""
    folder = Path(sys.argv[1])
    order = Order.model_validate_json((folder / ORDER).read_bytes())
    try:
        answer = carry_out(order, Path.cwd())
    except StageFailed as err:
        answer = Answer(problem=err.reason, lines=err.last_lines, user_must_act=err.user_must_act)
    except MaskoptError as err:
        answer = Answer(problem="cannot be run there", lines=tuple(f"{OURS}{err}".splitlines()))
    (folder / ANSWER).write_text(answer.model_dump_json(), encoding="utf-8")


def carry_out(order: Order, clone: Path) -> Answer:
    """Run the stage of an order in a clone of the same commit.

    Raises:
        NoClone, OtherCommit, Uncommitted: this clone would not do the same.
        DvcFailed: what the stage stands on cannot be had, or its outputs cannot be stored.
        StageFailed: it did not come to its end.
    """
    refuse_other_commit(clone, order.commit)
    refuse_uncommitted(clone, order.outputs)
    if order.work is None:
        return Answer()
    work, runner = order.work, LocalRunner(clone, jobs=1)
    with ws.held(clone):
        ws.mend(clone)
        ws.write_entries(clone, work.entries)
        ws.write_files(clone, work.files)
        if needed := sorted(work.stage.upstream | work.stage.tracked):
            runner.ask("pull", "--quiet", "--force", "--allow-missing", *needed)
        outcome = runner.run(work.stage, work.force, _show)
        runner.ask("push", "--quiet", work.stage.name)
        entry = ws.entries(clone)[work.stage.name]
        return Answer(outcome=outcome, entry=entry, files=kept_by_git(clone, ws.outputs(entry)))


def _show(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the worker passes it on


if __name__ == "__main__":
    main()
