"""Sets of params -> one run of the graph each, in workspaces of their own, saved as DVC experiments and compared."""

import io
import json
import os
import queue
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from hydra.errors import HydraException
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed

from flows import workspace as ws
from flows.child import Children, why
from flows.errors import ExperimentFailed, ExperimentsFailed, GitFailed, UnusableSets
from flows.graph import DVC, ask_dvc
from flows.pipeline import POLL_SECONDS, default_jobs, reason, stop_if_cancelled, this_run
from maskopt.params import parse_params
from maskopt.paths import INCOMING, PARAMS
from maskopt.profiles import EDITOR

WORKSPACES = ws.OURS / "experiments"
COMPARED = re.compile(r"(accuracy|_bytes)$")  # of the metrics; `dvc exp show` has all
LAST_LINES = 15

Set = Mapping[str, Any]  # dotted key -> value


@flow(name="experiments", validate_parameters=False)
def run_experiments(overrides: Sequence[str], targets: Sequence[str] = (), jobs: int | None = None) -> State:
    """Run the graph once for each set of params, side by side, and compare what came out.

    Args:
        overrides: KEY=VALUE, KEY=A,B or KEY=range(A,B), as of `dvc exp run --set-param`; sets are all combinations.
        targets: as of `run_graph`.
        jobs: slots for stages side by side, shared by the experiments.

    Raises:
        UnusableSets: an override cannot be read, or params.yaml has no such key.
        InvalidParams: params.yaml would not be what it should.
        Busy: another run is at work in this workspace.
    """
    here = Path.cwd()
    sets = {name_of(values): values for values in read_sets(overrides)}
    texts = {name: changed_params(here / PARAMS, values) for name, values in sets.items()}
    slots = jobs or default_jobs(here)
    at_once = min(slots, len(sets))
    options = ["--jobs", str(slots // at_once), *(word for target in targets for word in ("--target", target))]
    with this_run(here):
        shutil.rmtree(here / WORKSPACES, ignore_errors=True)  # of a run that was killed
        try:
            failures = _run_all(here, texts, options, at_once)
        finally:
            shutil.rmtree(here / WORKSPACES, ignore_errors=True)
    done = [name for name in sets if name not in failures]
    if done:
        table = compare(here, done, list(next(iter(sets.values()))))
        get_run_logger().info("\n%s", table.to_markdown(index=False))
        rows = json.loads(table.to_json(orient="records"))
        create_table_artifact(rows, key="experiments", description="Experiments, compared")
    if failures:
        return Failed(message=str(ExperimentsFailed(list(failures.values()), len(done))))
    return Completed(message=f"{len(done)} experiments: see `dvc exp show`")


def read_sets(overrides: Sequence[str]) -> list[Set]:
    """Return all combinations of the values that overrides give to keys.

    Raises:
        UnusableSets: an override cannot be read, or does something else than set a key.
    """
    try:
        parsed: list[Override] = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as err:
        raise UnusableSets(" ".join(str(err).splitlines()[:2])) from None
    for override in parsed:
        if override.is_add() or override.is_delete() or override.is_interval_sweep():
            raise UnusableSets(f"{override.input_line} is not one value or a list of values")
    keys = [override.get_key_element() for override in parsed]
    return [dict(zip(keys, values, strict=True)) for values in product(*map(_values, parsed))]


def _values(override: Override) -> list[Any]:
    values: list[Any] = [override.value()]
    if override.is_sweep_override():
        values = list(override.sweep_iterator(Transformer.identity))
    return [getattr(value, "text", value) for value in values]  # a quoted string's


def name_of(values: Set) -> str:
    """Return the name of an experiment: what is set, in letters that git takes for a name."""
    text = ",".join(f"{key}={value}" for key, value in values.items())
    return re.sub(r"[^\w.,=+-]+|\.(?=\.|$)", "-", text).strip("-.")


def changed_params(file: Path, values: Set) -> str:
    """Return the text of a params file with other values.

    Raises:
        UnusableSets: it has no such key.
        InvalidParams: it would not be what maskopt reads.
    """
    params = EDITOR.load(file)
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


def compare(workspace: Path, names: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """Return a row per param that was set and per accuracy and size, a column per experiment."""
    shown = pd.read_csv(io.StringIO(ask_dvc(workspace, "exp", "show", "--csv")), dtype=str).set_index("Experiment")
    shown = shown.loc[[name for name in names if name in shown.index]].dropna(axis="columns", how="all")
    rows = [*keys, *(name for name in shown if COMPARED.search(str(name)))]
    return shown.reindex(columns=rows).T.reset_index(names="")


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


@task(task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def _run_one(name: str, params: str, children: Children, origin: Path, options: Sequence[str]) -> None:
    """Run one experiment in its workspace, save it, and bring what DVC saved into the origin."""
    logger, folder = get_run_logger(), children.folder
    make_workspace(origin, folder, params)
    checkout = [*DVC, "checkout", "--quiet", "--allow-missing"]
    run = [sys.executable, "-m", "maskopt", "run", *options]
    add = ["git", "add", "--all"]  # metrics and curves that git does not know yet are part of an experiment
    save = [*DVC, "exp", "save", "--force", "--name", name]
    for command in (checkout, run, add, save):
        code, lines = children.run(command, None, logger.info)
        if code != 0:
            raise ExperimentFailed(name, why(code), lines[-LAST_LINES:])
    head = _run("git", "-C", str(origin), "rev-parse", "HEAD").strip()
    saved = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    _run("git", "-C", str(origin), "fetch", "--quiet", "--force", str(folder), f"{saved}:{saved}")


def _run_all(origin: Path, texts: Mapping[str, str], options: Sequence[str], at_once: int) -> dict[str, str]:
    """Return why experiments failed, by name."""
    children = {name: Children(origin / WORKSPACES / name) for name in texts}
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    futures: dict[str, PrefectFuture[None]] = {}
    under_way = 0
    try:
        for name, text in [*texts.items(), *[(None, "")] * at_once]:
            while under_way >= at_once:
                with suppress(queue.Empty):
                    ended.get(timeout=POLL_SECONDS)
                    under_way -= 1
                stop_if_cancelled()
            if name is not None:
                futures[name] = _run_one.submit(name, text, children[name], origin, options)
                futures[name].add_done_callback(lambda _: ended.put(None))
            under_way += 1
    except BaseException:
        for each in children.values():
            each.stop()
        raise
    for future in futures.values():
        future.wait()  # its state then holds what was raised
    return {name: reason(future.state) for name, future in futures.items() if not future.state.is_completed()}


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
