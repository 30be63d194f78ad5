"""Errors of running the graph that a user can mend.

MaskoptError
├── UnusableGraph      dvc.yaml cannot be run as it is
├── DvcFailed          a command of DVC ended with an error
├── Busy               another run is at work in this workspace
├── UnusableLockfile   dvc.lock holds conflicts of git, or another DVC wrote it
├── NoServer           the Prefect server does not answer
├── StageFailed        a stage ended with an error, was killed or took too long
├── RunFailed          one or more stages of a run failed
├── Unfinished         a run that was ended before its end
├── NoCluster          there is no Dask cluster, or it has no workers
├── NoClone            a folder is no clone of a repository
├── Uncommitted        stages cannot go to other machines: the clone differs from its commit
├── UnusableWorkers    workers cannot run its stages
├── OtherCommit        a worker's clone is at another commit
├── UnusableSets       sets of params that cannot be read, or that params.yaml has no keys for
├── ExperimentFailed   one set of params did not come to its end
├── GitFailed          git did not make or read a workspace
├── ExperimentsFailed  one or more of them did not
├── NothingFits        a search that found no model within its budget
├── NothingTried       a search of which no candidate came to its end
├── FewEpochs          a search that has not enough epochs for one candidate
└── UnusableCron       a time of a schedule that cannot be read
"""

import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

from maskopt.errors import MaskoptError
from maskopt.terminal import inline

NAMED = 5  # files that a message names
OURS = "error: "  # starts what a stage of ours says of its error
OF_DVC = ("Running stage '", "> ", "ERROR: failed to reproduce '")  # start its lines about a stage


class UnusableGraph(MaskoptError):
    """Our settings in dvc.yaml cannot be read."""

    def __init__(self, what: str, reason: str, next_step: str) -> None:
        super().__init__(f"{what} cannot be used: {reason.strip()}\n{next_step}")


class DvcFailed(MaskoptError):
    """DVC complains."""

    def __init__(self, question: Iterable[str], complaint: str) -> None:
        super().__init__(f"`dvc {' '.join(question)}` failed:\n{complaint.strip()}\nMend that, then run again")


class Busy(MaskoptError):
    """One run at a time in one workspace."""

    def __init__(self, pid: str | None) -> None:
        who, how = (f" (process {pid})", f" or `kill {pid}`") if pid else ("", "")
        self.found = f"another run is at work in this workspace{who}"
        self.next_step = f"wait until it ends, end it with Ctrl-C{how}, or work in another clone"
        super().__init__(f"{self.found}: {self.next_step}")


class UnusableLockfile(MaskoptError):
    """What is in dvc.lock is nobody's crash, and not for DVC."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"dvc.lock {problem}. {next_step}; then run again")


class NoServer(MaskoptError):
    """There is no Prefect server to talk to."""

    def __init__(self, url: str, reason: str, next_step: str) -> None:
        super().__init__(f"no Prefect server at {url}: {reason}. {next_step}")


class StageFailed(MaskoptError):
    """A stage did not come to its end."""

    def __init__(self, stage: str, reason: str, last_lines: Iterable[str], user_must_act: bool = False) -> None:
        self.stage, self.reason, self.last_lines = stage, reason, tuple(last_lines)
        self.user_must_act = user_must_act  # it would fail again
        tail = "\n".join(f"  {line}" for line in self.last_lines)
        hint = "Make room on the disk: what is finished is kept. " if "No space left on device" in tail else ""
        self.next_step = f"{hint}Repeat it alone: maskopt run --target {stage}"
        super().__init__(f"stage {stage} {reason}; its last lines:\n{tail}\n{self.next_step}")

    def brief(self, page: str | None) -> str:
        """Return the same with the error instead of the last lines; they are above, and on a page of Prefect's."""
        own = [line for line in self.last_lines if not line.startswith(OF_DVC)]
        begins = max((number for number, line in enumerate(own) if line.startswith(OURS)), default=len(own) - 1)
        first, *more = own[begins:] or self.last_lines[-1:] or ("",)
        error = first.removeprefix(OURS)
        return "\n".join(
            [
                f"stage {self.stage} {self.reason}{error and ': '}{error}",
                *more,
                f"  Its lines are above, and on {page} while Prefect's server runs",
                f"  {self.next_step}",
            ]
        )


class RunFailed(MaskoptError):
    """A run came to its end without all of its stages."""

    def __init__(self, failures: Sequence[str], skipped: int) -> None:
        them = "it" if len(failures) == 1 else "them"
        behind = f"{skipped} stages that depend on {them} were skipped. " if skipped else ""
        super().__init__("\n".join(failures) + f"\n{behind}`maskopt run` goes on with what is missing")


class Unfinished(MaskoptError):
    """A run ended, but not well; Prefect's own words say how."""


class NoCluster(MaskoptError):
    """There are no workers to send stages to."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"no Dask cluster at {address}: {reason}. Start a scheduler and workers as docs/cluster.md says, or run on "
            "this machine with --runner local"
        )


class NoClone(MaskoptError):
    """Workers run in clones."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{platform.node()}:{inline(folder)} is no clone of the repository: start the worker in one")


class Uncommitted(MaskoptError):
    """What runs elsewhere is what is committed."""

    def __init__(self, clone: Path, differing: Sequence[str]) -> None:
        named = ", ".join(differing[:NAMED]) + (f" and {len(differing) - NAMED} more" if len(differing) > NAMED else "")
        super().__init__(
            f"{platform.node()}:{inline(clone)} differs from its commit in {named}. Workers run what is committed: "
            "commit it, or put it aside with `git stash --include-untracked`"
        )


class UnusableWorkers(MaskoptError):
    """Workers of a cluster cannot run what this run asks for."""

    def __init__(self, problems: Iterable[str]) -> None:
        super().__init__("\n".join(problems) + "\nMend these clones or end their workers, then run again")


class OtherCommit(MaskoptError):
    """A worker would run other code."""

    def __init__(self, clone: Path, found: str, wanted: str) -> None:
        super().__init__(
            f"{platform.node()}:{inline(clone)} is at commit {found[:12]}, the run at {wanted[:12]}: there, "
            f"`git fetch && git checkout --force {wanted[:12]}`"
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


class GitFailed(MaskoptError):
    """Git did not do what a workspace of an experiment needs."""

    def __init__(self, command: Sequence[str], said: str) -> None:
        super().__init__(f"`{' '.join(command)}` failed:\n{said.strip()}\nMend that, then run again")


class ExperimentsFailed(MaskoptError):
    """Some experiments failed; the others are saved."""

    def __init__(self, failures: Sequence[str], done: int) -> None:
        super().__init__(
            "\n".join(failures) + f"\n{done} others are saved: see `dvc exp show`. "
            "The same command goes on with these: what is finished is in DVC's cache"
        )


class NothingFits(MaskoptError):
    """No candidate of a search is small enough."""

    def __init__(self, max_kb: int, epochs: int, found: str) -> None:
        super().__init__(
            f"no model within {max_kb} kB after {epochs} epochs: {found}. "
            "Give more kB, more search.epochs, or narrower networks in search of params.yaml"
        )


class NothingTried(MaskoptError):
    """No candidate of a search came to its end."""

    def __init__(self, last_failure: str) -> None:
        super().__init__(
            f"no candidate came to its end; of the last one:\n{last_failure}\nMend that, then search again"
        )


class FewEpochs(MaskoptError):
    """A search cannot try anything."""

    def __init__(self, least: int, epochs: int) -> None:
        super().__init__(f"search.epochs: want at least {least}, those of one candidate, got {epochs}: give more")


class UnusableCron(MaskoptError):
    """A schedule's time cannot be read."""

    def __init__(self, cron: str) -> None:
        super().__init__(
            f"{cron!r} is not a time of cron: want minute, hour, day, month and weekday, as in '0 3 * * *' for 3:00 UTC"
        )
