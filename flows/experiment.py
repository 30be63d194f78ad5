"""One set of params in a workspace of its own: made, run in parts, and saved as a DVC experiment."""

import io
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from flows import workspace as ws
from flows.child import Children, why
from flows.errors import ExperimentFailed, GitFailed, UnusableSets
from flows.flow_runs import stop_if_cancelled
from flows.graph import DVC, ask_dvc, choose, read_graph
from flows.pipeline import POLL_SECONDS
from maskopt.params import parse_params
from maskopt.paths import INCOMING, PARAMS
from maskopt.profiles import EDITOR
from maskopt.yaml_text import parse_yaml, read_text

WORKSPACES = ws.OURS / "experiments"
LAST_LINES = 15

Set = Mapping[str, Any]  # dotted key -> value
K = TypeVar("K")
T = TypeVar("T")


class Experiment:
    """What one set of params does to the graph of a repository."""

    def __init__(self, origin: Path, name: str, params: str) -> None:
        """Take the text of params.yaml; nothing is done yet."""
        self.name, self.folder = name, origin / WORKSPACES / name
        self._origin, self._params = origin, params
        self._children = Children(self.folder)

    def open(self) -> None:
        """Make the workspace, with what DVC's cache already has."""
        make_workspace(self._origin, self.folder, self._params)
        self._do([*DVC, "checkout", "--quiet", "--allow-missing"])

    def run(self, jobs: int, targets: Sequence[str] = ()) -> None:
        """Run the graph, or the part that targets ask for.

        Raises:
            ExperimentFailed: a stage failed.
        """
        options = [word for target in targets for word in ("--target", target)]
        self._do([sys.executable, "-m", "maskopt", "run", "--jobs", str(jobs), *options])

    def save(self, targets: Sequence[str] = ()) -> None:
        """Save what came out, and bring what DVC saved into the origin.

        Args:
            targets: as of `run`. Outputs of other stages need not be there, and DVC would miss them.
        """
        asked = sorted(choose(read_graph(self.folder), targets)[1]) if targets else []
        self._do(["git", "add", "--all"])  # metrics and curves that git does not know yet are part of it
        self._do([*DVC, "exp", "save", "--force", "--name", self.name, *asked])
        head = _run("git", "-C", str(self._origin), "rev-parse", "HEAD").strip()
        saved = f"refs/exps/{head[:2]}/{head[2:]}/{self.name}"
        _run("git", "-C", str(self._origin), "fetch", "--quiet", "--force", str(self.folder), f"{saved}:{saved}")

    def code(self) -> str:
        """Return git's hash of the package that stages run, as it is in the workspace."""
        _run("git", "-C", str(self.folder), "add", "maskopt")
        return _run("git", "-C", str(self.folder), "write-tree", "--prefix=maskopt/").strip()

    def stop(self) -> None:
        """End what is under way, from any thread; nothing more is started."""
        self._children.stop()

    def _do(self, command: Sequence[str]) -> None:
        code, lines = self._children.run(command, None, get_run_logger().info)
        if code != 0:
            raise ExperimentFailed(self.name, why(code), lines[-LAST_LINES:])


@contextmanager
def workspaces(origin: Path) -> Iterator[Callable[[str, str], Experiment]]:
    """Yield what makes an experiment of a name and a text of params; at the end none is at work and no folder left.

    What a killed run left goes first.
    """
    made: list[Experiment] = []

    def make(name: str, params: str) -> Experiment:
        made.append(Experiment(origin, name, params))
        return made[-1]

    shutil.rmtree(origin / WORKSPACES, ignore_errors=True)
    try:
        yield make
    finally:
        for each in made:
            each.stop()
        shutil.rmtree(origin / WORKSPACES, ignore_errors=True)


def follow(
    starts: Iterable[tuple[K, Callable[[], PrefectFuture[T]]]], at_once: int
) -> Iterator[tuple[K, PrefectFuture[T]]]:
    """Start what comes, at most `at_once` side by side, and yield each with its key when it has ended.

    The next one is asked for when there is room for it, so that it may depend on those that have ended.
    """
    ended: queue.SimpleQueue[tuple[K, PrefectFuture[T]]] = queue.SimpleQueue()
    waiting, under_way = iter(starts), 0
    while True:
        while under_way < at_once and (found := next(waiting, None)):
            key, start = found
            start().add_done_callback(partial(_note, ended, key))
            under_way += 1
        if not under_way:
            return
        try:
            key, future = ended.get(timeout=POLL_SECONDS)
        except queue.Empty:
            stop_if_cancelled()
            continue
        under_way -= 1
        future.wait()  # its state then holds what was raised
        yield key, future


def _note(ended: queue.SimpleQueue[tuple[K, PrefectFuture[T]]], key: K, future: PrefectFuture[T]) -> None:
    ended.put((key, future))


def changed_params(file: Path, values: Set) -> str:
    """Return the text of a params file with other values.

    Raises:
        UnusableSets: it has no such key.
        InvalidParams: it would not be what maskopt reads.
    """
    params = parse_yaml(EDITOR, read_text(file), file)
    for key, value in values.items():
        *sections, last = key.split(".")
        section = params
        for name in sections:
            section = section.get(name) if isinstance(section, dict) else None
        if not isinstance(section, dict) or last not in section:
            raise UnusableSets(f"{file.name} has no {key}")
        section[last] = value
    text = io.StringIO()
    EDITOR.dump(params, text)
    parse_params(text.getvalue(), file)
    return text.getvalue()


def make_workspace(origin: Path, folder: Path, params: str) -> None:
    """Make a clone that holds what the origin holds now, shares its cache, and has other params."""
    _run("git", "clone", "--quiet", str(origin), str(folder))
    listing = _run("git", "-C", str(origin), "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listing.split("\0")):
        (folder / name).unlink(missing_ok=True)
        if (origin / name).is_file():  # not removed since the last commit
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin / name, folder / name)
    if (origin / INCOMING).is_dir():
        shutil.copytree(origin / INCOMING, folder / INCOMING, copy_function=_link, dirs_exist_ok=True)
    (folder / PARAMS).write_text(params, encoding="utf-8")
    ask_dvc(folder, "config", "--local", "cache.dir", ask_dvc(origin, "cache", "dir").strip())
    ask_dvc(folder, "config", "--local", "cache.type", "reflink,hardlink,copy")


def _link(source: str, target: str) -> None:
    """Link a file where the disk allows it: pictures may be many."""
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except subprocess.CalledProcessError as err:
        raise GitFailed(command, err.stderr) from None
