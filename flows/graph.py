"""dvc.yaml and what DVC says of it -> the stages, what each waits for, and which of them have changed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError
from ruamel.yaml import YAML

from flows.errors import DvcFailed, UnusableGraph
from maskopt.errors import UnknownName
from maskopt.paths import PARAMS

# Waits for DVC's own lock instead of failing: several DVC processes work in one workspace.
DVC = (sys.executable, "-m", "dvc", "--wait-for-lock")
_EDGE = re.compile(r'^"(?P<upstream>[^"]+)" -> "(?P<stage>[^"]+)";$', re.MULTILINE)
_NODE = re.compile(r'^"(?P<stage>[^"]+)";$', re.MULTILINE)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """How a stage is to be run: `meta: {prefect: ...}` of its block in dvc.yaml."""

    slots: Annotated[int, Field(ge=1)] | Literal["all"] = 1  # of the --jobs that it takes; all: it runs alone
    retries: Annotated[int, Field(ge=0)] = 1
    retry_delay_seconds: Annotated[float, Field(ge=0)] = 5  # doubled at each retry, with jitter
    timeout_seconds: Annotated[float, Field(gt=0)] | None = None
    tags: tuple[str, ...] = ()  # of the task run: `prefect concurrency-limit create TAG N` limits them
    idle_without: str | None = None  # key of params.yaml; where that is null, the stage has nothing to do
    resources: dict[str, Annotated[float, Field(gt=0)]] = {}  # that a Dask worker must offer: {GPU: 1}

    @property
    def retry_delays_seconds(self) -> list[float]:
        """Return how long to wait before each retry."""
        return [self.retry_delay_seconds * 2**attempt for attempt in range(self.retries)]


@dataclass(frozen=True)
class Stage:
    """One node of the graph."""

    name: str  # as DVC writes it: pruned@mobilenet_v2
    upstream: frozenset[str]  # what it waits for directly
    changed: bool  # DVC would not skip it
    settings: Settings
    tracked: frozenset[str] = frozenset()  # .dvc files of data that it reads

    @property
    def parts(self) -> set[str]:
        """Return how a stage can be asked for: qat@separable-0, qat@separable, qat, separable-0, separable, 0."""
        block, _, key = self.name.partition("@")
        words = key.split("-") if key else []
        beginnings = ["-".join(words[:n]) for n in range(1, len(words) + 1)]
        return {self.name, block, *words, *beginnings, *(f"{block}@{beginning}" for beginning in beginnings)}

    def is_idle(self, workspace: Path) -> bool:
        """Tell whether params.yaml asks for nothing that the stage would do."""
        if self.settings.idle_without is None:
            return False
        value = YAML(typ="safe").load(workspace / PARAMS)
        for key in self.settings.idle_without.split("."):
            value = value and value.get(key)
        return value is None


Graph = Mapping[str, Stage]


def environment() -> dict[str, str]:
    """Return the variables of a child process: `python` in a stage's command is this Python, in this workspace."""
    here = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}",
        "DVC_NO_ANALYTICS": "1",
        "PYTHONUNBUFFERED": "1",  # lines are shown as they come
    }


def read_graph(workspace: Path, ask: Callable[..., str] | None = None) -> Graph:
    """Return the stages of dvc.yaml, upstream first.

    Args:
        workspace: folder of dvc.yaml.
        ask: arguments of DVC -> what it prints; None: a new process for each question.

    Raises:
        DvcFailed: DVC cannot read it.
        UnusableGraph: `meta` says what is not known.
    """
    ask = ask or partial(ask_dvc, workspace)
    with ThreadPoolExecutor() as pool:
        dag = pool.submit(ask, "dag", "--dot")
        status = pool.submit(ask, "status", "--json")
        dot = dag.result()
        changed = json.loads(next(line for line in status.result().splitlines() if line.startswith("{")))
    blocks = YAML(typ="safe").load(workspace / "dvc.yaml")["stages"]
    settings = {name: _settings(name, block) for name, block in blocks.items()}
    # DVC's graph holds .dvc files too, of data that `dvc add` tracks: `dvc pull` brings it, no command makes it.
    upstream: dict[str, set[str]] = {name: set() for name in _NODE.findall(dot) if name.partition("@")[0] in blocks}
    tracked: dict[str, set[str]] = {name: set() for name in upstream}
    for edge in _EDGE.finditer(dot):
        (upstream if edge["upstream"] in upstream else tracked)[edge["stage"]].add(edge["upstream"])
    return {
        name: Stage(
            name,
            frozenset(upstream[name]),
            name in changed,
            settings[name.partition("@")[0]],
            frozenset(tracked[name]),
        )
        for name in _sorted(upstream)
    }


def choose(graph: Graph, targets: Iterable[str]) -> tuple[Graph, frozenset[str]]:
    """Return the stages that targets ask for with all that they stand on, and the names of those asked for.

    Args:
        graph: all stages.
        targets: stages, or words of their names; none asks for all.

    Raises:
        UnknownName: no stage has such a word in its name.
    """
    targets = tuple(targets)
    known = set().union(*(stage.parts for stage in graph.values()))
    for target in targets:
        if target not in known:
            raise UnknownName("target", target, known)
    asked = frozenset(name for name, stage in graph.items() if not targets or stage.parts & set(targets))
    needed = set(asked)
    for name in reversed(list(graph)):
        if name in needed:
            needed |= graph[name].upstream
    return {name: stage for name, stage in graph.items() if name in needed}, asked


def ask_dvc(workspace: Path, *question: str) -> str:
    """Return what a DVC command prints.

    Raises:
        DvcFailed: it fails.
    """
    command = [*DVC, *question]
    done = subprocess.run(command, cwd=workspace, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DvcFailed(question, done.stderr)
    return done.stdout


def _settings(name: str, block: Mapping[str, object]) -> Settings:
    meta = block.get("meta")
    given = meta.get("prefect", {}) if isinstance(meta, Mapping) else {}
    try:
        return Settings.model_validate(given)
    except ValidationError as err:
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}, got {p['input']!r}" for p in err.errors())
        known = ", ".join(Settings.model_fields)
        raise UnusableGraph(f"meta.prefect of stage {name} in dvc.yaml", problems, f"Known settings: {known}") from None


def _sorted(upstream: Mapping[str, set[str]]) -> list[str]:
    """Return names upstream first, otherwise in the order of dvc.yaml."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        for other in sorted(upstream[name], key=positions.__getitem__):
            if other not in order:
                visit(other)
        order[name] = None

    positions = {name: position for position, name in enumerate(upstream)}
    for name in upstream:
        if name not in order:
            visit(name)
    return list(order)
