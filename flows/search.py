"""A budget of bytes -> candidates tried side by side as DVC experiments, and the front of what came out."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import TrialState
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import workspace as ws
from flows.errors import FewEpochs, NothingFits, NothingTried
from flows.experiment import Experiment, changed_params, follow, workspaces
from flows.flow_runs import name_after, reason, this_run
from flows.plan import default_jobs
from maskopt import paths
from maskopt.files import Record, read_record, replacing
from maskopt.measuring.latency import time_inference
from maskopt.measuring.litert import Classifier
from maskopt.params import Params, load_params
from maskopt.search import (
    COLUMNS,
    EPOCHS,
    FIGURES,
    KILOBYTE,
    OVER,
    WHY,
    Candidate,
    is_hopeless,
    mark_front,
    open_study,
    spent_epochs,
    suggest,
)

STUDIES = ws.OURS / "search" / "studies.db"
MODELS = ws.OURS / "search" / "models"
FORMAT = "int8"  # of the models that are looked for

Start = Callable[[], PrefectFuture[Record]]


def name_of_run() -> str:
    """Return what the page calls a search: its budget, of which commit, when."""
    return name_after(f"search up to {flow_run.parameters['max_kb']} kB")


@flow(name="search", flow_run_name=name_of_run, validate_parameters=False)
def run_search(max_kb: int, jobs: int | None = None) -> State:
    """Try candidates until `search.epochs` are spent; write all that were tried, and the best as a profile.

    Args:
        max_kb: budget of a model file, gzipped, in 1,000 bytes.
        jobs: slots for stages side by side, shared by the candidates.

    Raises:
        Busy: another run is at work in this workspace.
        InvalidParams: params.yaml is not what it should be, or a candidate's would not be.
        FewEpochs: there are not enough for one candidate.
    """
    here = Path.cwd()
    params, slots = load_params(here / paths.PARAMS), jobs or default_jobs(here)
    _refuse_impossible(params, here)
    with this_run(here), workspaces(here) as make:
        common = _make_what_all_share(make, here, params, slots)
        pictures = hashlib.sha256((common.folder / paths.MANIFEST).read_bytes()).hexdigest()
        study = open_study(here / STUDIES, params, max_kb * KILOBYTE, pictures + common.code())
        for trial, future in follow(_start_trials(study, params, make, here, max_kb), slots):
            _tell(study, trial, future, max_kb * KILOBYTE)
    tried = _time_all(study, params, here).assign(pictures=pictures)
    if tried.empty:
        return Failed(message=str(NothingTried(_last_failure(study))))
    return _conclude(here, params, max_kb, tried)


def _conclude(here: Path, params: Params, max_kb: int, tried: pd.DataFrame) -> State:
    """Write and show what was tried, and say what is best."""
    with replacing(here / paths.SEARCH) as file:
        tried.to_csv(file, index=False)
    create_table_artifact(json.loads(tried.to_json(orient="records")), key="search", description=f"Up to {max_kb} kB")
    get_run_logger().info("\n%s", tried[tried["front"]].to_markdown(index=False))
    fitting = tried[tried["gzip_bytes"] <= max_kb * KILOBYTE]
    if fitting.empty:
        smallest = f"the smallest of {len(tried)} has {tried['gzip_bytes'].min():,} bytes"
        return Failed(message=str(NothingFits(max_kb, params.search.epochs, smallest)))
    best = fitting.sort_values(["val_accuracy", "gzip_bytes"], ascending=[False, True]).iloc[0]
    reached = f"{best['gzip_bytes']:,} bytes, right about {best['val_accuracy']:.2%} of the validation pictures"
    profile = here / paths.PROFILES / f"search-{max_kb}kB.yaml"
    found = Candidate(**{field.name: _plain(best[field.name]) for field in fields(Candidate)})
    with replacing(profile) as file:
        file.write_text(changed_params(here / paths.PARAMS, found.changes(params)), encoding="utf-8")
    put = f"`maskopt profile {profile.stem}` puts it into params.yaml"
    name = f"{found.network}/{found.variant}/{FORMAT}"
    return Completed(message=f"best of {len(tried)} within {max_kb} kB: {name}, {reached}. {put}")


def _refuse_impossible(params: Params, here: Path) -> None:
    """Raise what candidates would, before any is trained."""
    space = params.search
    for network in space.networks:
        trunk = params.networks[network].trunk
        for size_px in space.sizes_px:
            simplest = Candidate(network, trunk.width, trunk.depth, size_px, space.variants[0], None)
            changed_params(here / paths.PARAMS, simplest.changes(params))
    least = min(
        Candidate(network, 1, 1, 1, variant, None).epochs(params)
        for network in space.networks
        for variant in space.variants
    )
    if least > space.epochs:
        raise FewEpochs(least, space.epochs)


def _last_failure(study: optuna.Study) -> str:
    return next((trial.user_attrs[WHY] for trial in reversed(study.trials) if WHY in trial.user_attrs), "")


def _make_what_all_share(make: Callable[[str, str], Experiment], here: Path, params: Params, slots: int) -> Experiment:
    """Bring pictures and the teacher's answers into DVC's cache, where each candidate finds them."""
    first = params.search.networks[0]
    trunk = params.networks[first].trunk
    any_candidate = Candidate(first, trunk.width, trunk.depth, params.search.sizes_px[0], "finetuned", None)
    common = make("search-common", changed_params(here / paths.PARAMS, any_candidate.changes(params)))
    common.open()
    common.run(slots, ["pixels", f"teacher@{params.search.seed}"])
    return common


def _start_trials(
    study: optuna.Study, params: Params, make: Callable[[str, str], Experiment], here: Path, max_kb: int
) -> Iterator[tuple[optuna.Trial, Start]]:
    """Yield trials as long as there are epochs left for them."""
    while True:
        trial = study.ask()
        candidate = suggest(trial, params)
        if spent_epochs(study) + candidate.epochs(params) > params.search.epochs:
            study.tell(trial, state=TrialState.FAIL)
            study.enqueue_trial(trial.params)  # the first if there are ever more epochs
            return
        trial.set_user_attr(EPOCHS, candidate.epochs(params))
        experiment = make(
            f"search-{max_kb}kB-{trial.number}", changed_params(here / paths.PARAMS, candidate.changes(params))
        )
        yield trial, partial(_try.submit, experiment, candidate, params, study, here)


@task(task_run_name="{experiment.name}", cache_policy=NO_CACHE, persist_result=False)
def _try(experiment: Experiment, candidate: Candidate, params: Params, study: optuna.Study, here: Path) -> Record:
    """Return what a candidate reaches; the accuracy of its float model alone if compression is not worth its epochs."""
    experiment.open()
    experiment.run(1, [candidate.stage("finetuned", params)])
    as_float = _measured(experiment, candidate, params, "finetuned", "float32")
    accuracy, size = as_float["val_accuracy"], as_float["gzip_bytes"]
    found = {"experiment": experiment.name, **asdict(candidate)}
    found |= {"float_val_accuracy": accuracy, "float_gzip_bytes": size}
    if is_hopeless(study, accuracy, size):
        return found | {EPOCHS: candidate.float_epochs(params)}
    wanted = [candidate.stage(candidate.variant, params)]
    experiment.run(1, wanted)
    experiment.save(wanted)
    model = paths.tflite(candidate.network, candidate.variant, params.search.seed, FORMAT)
    with replacing(_kept(study, here, experiment.name)) as file:
        shutil.copyfile(experiment.folder / model, file)
    return found | _measured(experiment, candidate, params, candidate.variant, FORMAT)


def _measured(experiment: Experiment, candidate: Candidate, params: Params, variant: str, file_format: str) -> Record:
    """Return what may be chosen by: nothing of the test split."""
    file = experiment.folder / paths.metrics(candidate.network, variant, params.search.seed)
    figures: Record = read_record(file)["formats"][file_format]
    return {name: figures[name] for name in ("val_accuracy", "gzip_bytes", "macs", "peak_activation_bytes")}


def _tell(study: optuna.Study, trial: optuna.Trial, future: PrefectFuture[Record], max_bytes: int) -> None:
    """Note what came of a trial; one that failed is not tried again."""
    if not future.state.is_completed():
        why = reason(future.state)
        get_run_logger().warning("%s", why)
        trial.set_user_attr(WHY, why)
        study.tell(trial, state=TrialState.FAIL)
        return
    found = future.result()
    trial.set_user_attr(FIGURES, found)
    if "gzip_bytes" in found:
        trial.set_constraint(OVER, found["gzip_bytes"] - max_bytes)
        study.tell(trial, found["val_accuracy"])
    else:
        trial.set_user_attr(EPOCHS, found[EPOCHS])
        trial.report(found["float_val_accuracy"], 0)
        study.tell(trial, state=TrialState.PRUNED)


def _time_all(study: optuna.Study, params: Params, here: Path) -> pd.DataFrame:
    """Return a row per candidate that was compressed, timed while nothing else is at work."""
    rows = []
    for trial in study.get_trials(states=(TrialState.COMPLETE,)):
        found, settings = trial.user_attrs[FIGURES], params.latency
        classifier = Classifier(_kept(study, here, found["experiment"]))
        median_ms = time_inference(classifier, settings.warmup_runs, settings.runs).median_ms
        rows.append(found | {"median_ms": median_ms})
    return mark_front(pd.DataFrame(rows, columns=COLUMNS))


def _kept(study: optuna.Study, here: Path, experiment: str) -> Path:
    """Return where a model is kept: studies of other params have experiments of the same names."""
    return here / MODELS / study.study_name / f"{experiment}.tflite"


def _plain(value: Any) -> Any:
    """Return a cell of a table as params hold it."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
