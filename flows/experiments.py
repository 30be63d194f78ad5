"""Sets of params -> one run of the graph each, side by side, saved as DVC experiments and compared."""

import io
import json
import re
from collections.abc import Sequence
from functools import partial
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
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.errors import ExperimentsFailed, UnusableSets
from flows.experiment import Experiment, Set, changed_params, follow, workspaces
from flows.flow_runs import name_after, reason, this_run
from flows.graph import ask_dvc
from flows.plan import default_jobs
from maskopt.paths import PARAMS

COMPARED = re.compile(r"(accuracy|_bytes)$")  # of the metrics; `dvc exp show` has all


def name_of_run() -> str:
    """Return what the page calls a run of experiments: what is set, of which commit, when."""
    return name_after(" ".join(flow_run.parameters["overrides"]))


@flow(name="experiments", flow_run_name=name_of_run, validate_parameters=False)
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
    with this_run(here), workspaces(here) as make:
        starts = (
            (name, partial(_run_one.submit, make(name, text), slots // at_once, targets))
            for name, text in texts.items()
        )
        states = {name: future.state for name, future in follow(starts, at_once)}
    failures = {name: reason(states[name]) for name in sets if not states[name].is_completed()}
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


def compare(workspace: Path, names: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """Return a row per param that was set and per accuracy and size, a column per experiment."""
    shown = pd.read_csv(io.StringIO(ask_dvc(workspace, "exp", "show", "--csv")), dtype=str).set_index("Experiment")
    shown = shown.loc[[name for name in names if name in shown.index]].dropna(axis="columns", how="all")
    rows = [*keys, *(name for name in shown if COMPARED.search(str(name)))]
    return shown.reindex(columns=rows).T.reset_index(names="")


@task(task_run_name="{experiment.name}", cache_policy=NO_CACHE, persist_result=False)
def _run_one(experiment: Experiment, jobs: int, targets: Sequence[str]) -> None:
    experiment.open()
    experiment.run(jobs, targets)
    experiment.save(targets)
