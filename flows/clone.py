"""A clone of the repository: its commit, what differs from it, and what git keeps of a stage's outputs."""

import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

from flows.errors import NoClone, OtherCommit, Uncommitted
from flows.graph import ask_dvc
from flows.workspace import LOCKFILE


def commit_of(clone: Path) -> str:
    """Return the commit that is checked out.

    Raises:
        NoClone: there is none.
    """
    try:
        return _git(clone, "rev-parse", "HEAD").strip()
    except subprocess.CalledProcessError:
        raise NoClone(clone) from None


def outputs_of(clone: Path) -> list[str]:
    """Return the paths that stages write, relative to the clone."""
    lines = ask_dvc(clone, "dag", "--outs", "--dot").splitlines()
    return [line.strip('";') for line in lines if line.startswith('"') and "->" not in line]


def refuse_uncommitted(clone: Path, outputs: Collection[str]) -> None:
    """Check that a clone holds what its commit holds, dvc.lock and outputs of stages aside.

    Raises:
        Uncommitted: it does not; the files are named.
    """
    made = {LOCKFILE, *map(Path, outputs)}
    if changed := sorted(str(path) for path in differing(clone) if not made & {path, *path.parents}):
        raise Uncommitted(clone, changed)


def differing(clone: Path) -> list[Path]:
    """Return the files that are not as they were committed."""
    told = _git(clone, "status", "--porcelain", "--untracked-files=all", "--no-renames", "-z")
    return [Path(entry[3:]) for entry in told.split("\0") if entry]


def refuse_other_commit(clone: Path, wanted: str) -> None:
    """Check that a clone is at a commit.

    Raises:
        NoClone: it is at none.
        OtherCommit: it is at another.
    """
    if (found := commit_of(clone)) != wanted:
        raise OtherCommit(clone, found, wanted)


def kept_by_git(clone: Path, outputs: Iterable[str]) -> dict[str, bytes]:
    """Return the content of outputs that git does not ignore, by path: DVC's cache and its remotes do not have them."""
    paths = [Path(output) for output in outputs]
    files = [
        file
        for path in paths
        for file in sorted((clone / path).rglob("*") if (clone / path).is_dir() else [clone / path])
        if file.is_file()
    ]
    names = [file.relative_to(clone).as_posix() for file in files]
    asked = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"],
        cwd=clone,
        input="\0".join(names),
        capture_output=True,
        text=True,
        check=False,  # 1 if none is ignored
    )
    ignored = set(asked.stdout.split("\0"))
    return {name: (clone / name).read_bytes() for name in names if name not in ignored}


def _git(clone: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=clone, capture_output=True, text=True, check=True).stdout
