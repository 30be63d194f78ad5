"""Errors of running the graph that a user can mend.

MaskoptError
├── UnusableGraph      dvc.yaml, or what DVC says of it, cannot be run
├── Busy               another run is at work in this workspace
├── NoServer           the Prefect server does not answer
├── StageFailed        a stage ended with an error, was killed or took too long
├── RunFailed          one or more stages of a run failed
├── UnusableSets       sets of params that cannot be read, or that params.yaml has no keys for
├── ExperimentFailed   one set of params did not come to its end
├── ExperimentsFailed  one or more of them did not
└── UnusableCron       a time of a schedule that cannot be read
"""

from collections.abc import Iterable, Sequence

from maskopt.errors import MaskoptError


class UnusableGraph(MaskoptError):
    """DVC, or our settings in dvc.yaml, cannot be read."""

    def __init__(self, what: str, reason: str, next_step: str) -> None:
        super().__init__(f"{what} cannot be used: {reason.strip()}\n{next_step}")


class Busy(MaskoptError):
    """One run at a time in one workspace."""

    def __init__(self, pid: int) -> None:
        super().__init__(
            f"another run is at work in this workspace (process {pid}): wait until it ends, end it with Ctrl-C or "
            f"`kill {pid}`, or work in another clone"
        )


class NoServer(MaskoptError):
    """There is no Prefect server to talk to."""

    def __init__(self, url: str, reason: str, next_step: str) -> None:
        super().__init__(f"no Prefect server at {url}: {reason}. {next_step}; or run with --no-server")


class StageFailed(MaskoptError):
    """A stage did not come to its end."""

    def __init__(self, stage: str, reason: str, last_lines: Iterable[str]) -> None:
        self.stage = stage
        tail = "\n".join(f"  {line}" for line in last_lines)
        hint = "Make room on the disk: what is finished is kept. " if "No space left on device" in tail else ""
        super().__init__(
            f"stage {stage} {reason}; its last lines:\n{tail}\n{hint}Repeat it alone: maskopt run --target {stage}"
        )


class RunFailed(MaskoptError):
    """A run came to its end without all of its stages."""

    def __init__(self, failures: Sequence[str], skipped: int) -> None:
        behind = f"{skipped} stages behind them were skipped; a" if skipped else "A"
        super().__init__(
            "\n".join(failures) + f"\n{behind}ll others are done. `maskopt run` goes on with what is missing"
        )


class UnusableSets(MaskoptError):
    """What an experiment should change is not said as it should be."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}\nSay it as KEY=VALUE, KEY=A,B or 'KEY=range(A,B)' with a key of params.yaml")


class ExperimentFailed(MaskoptError):
    """One set of params did not come to its end."""

    def __init__(self, name: str, reason: str, last_lines: Iterable[str]) -> None:
        tail = "\n".join(f"  {line}" for line in last_lines)
        super().__init__(f"experiment {name} {reason}; its last lines:\n{tail}")


class ExperimentsFailed(MaskoptError):
    """Some experiments failed; the others are saved."""

    def __init__(self, failures: Sequence[str], done: int) -> None:
        super().__init__(
            "\n".join(failures) + f"\n{done} others are saved: see `dvc exp show`. "
            "The same command goes on with these: what is finished is in DVC's cache"
        )


class UnusableCron(MaskoptError):
    """A schedule's time cannot be read."""

    def __init__(self, cron: str) -> None:
        super().__init__(
            f"{cron!r} is not a time of cron: want minute, hour, day, month and weekday, as in '0 3 * * *' for 3:00 UTC"
        )
