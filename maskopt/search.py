"""`search` of params -> candidates to try, cheapest first, and the front of those that were tried."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pandas as pd

from maskopt.params import Params, Phase

KILOBYTE = 1000
OVER = "bytes_over"  # constraint: how many a trial is over the budget
EPOCHS, FIGURES, WHY = "epochs", "figures", "why"  # what a trial notes: WHY, if it failed by itself
OPENED = "opened"  # what a study notes: how many trials it had when it was last opened
COSTS = ["gzip_bytes", "median_ms"]  # less is better; of val_accuracy, more
COLUMNS = [  # of the table of what was tried, `front` beside
    *("experiment", "network", "width", "depth", "size_px", "variant", "nats_per_bit"),
    *("float_val_accuracy", "float_gzip_bytes"),
    *("val_accuracy", "gzip_bytes", "macs", "peak_activation_bytes", "median_ms"),
    "pictures",  # SHA-256 of their manifest
]

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Candidate:
    """A network, and what is done to it."""

    network: str
    width: float
    depth: int
    size_px: int
    variant: str
    nats_per_bit: float | None  # of ecqat

    def changes(self, params: Params) -> dict[str, Any]:
        """Return the values, by dotted keys of params.yaml, with which the graph makes and measures it."""
        section, space = f"networks.{self.network}", params.search
        changes = {
            "seeds": [space.seed],
            "pixels.sizes_px": sorted({*space.sizes_px, *([params.teacher.size_px] if params.teacher else [])}),
            "backbones": [self.network],
            f"{section}.trunk.width": self.width,
            f"{section}.trunk.depth": self.depth,
            f"{section}.size_px": self.size_px,
            "evaluation.corruptions": False,
            "cross_validation.network": None,
            "evaluation.extra": None,
        }
        return changes if self.nats_per_bit is None else changes | {"entropy.nats_per_bit": self.nats_per_bit}

    def stage(self, variant: str, params: Params) -> str:
        """Return the stage that measures a variant of it."""
        return f"measured@{self.network}-{variant}-{params.search.seed}"

    def epochs(self, params: Params) -> int:
        """Return for how many epochs it is trained at most, the float model included."""
        phases: dict[str, list[Phase]] = {
            "finetuned": [],
            "clustered": [params.cluster],
            "cqat": [params.cluster, params.quantize],
            "ecqat": [params.entropy],
        }
        return self.float_epochs(params) + sum(phase.epochs for phase in phases[self.variant])

    def float_epochs(self, params: Params) -> int:
        """Return for how many epochs its float model is trained."""
        network = params.networks[self.network]
        return network.baseline.epochs + network.finetune.epochs


def open_study(file: Path, params: Params, max_bytes: int, made_of: str) -> optuna.Study:
    """Return the study of a budget; one that was ended goes on, with what was under way to be tried again.

    Args:
        file: SQLite; holds the studies of all budgets, params, pictures and code.
        params: all but `search.epochs`, of which a study may be given more.
        max_bytes: budget, gzipped.
        made_of: tells pictures and code from others.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    same = params.model_dump_json(exclude={"search": {"epochs"}, "latency": True}) + made_of
    space = params.search
    study = optuna.create_study(
        storage=f"sqlite:///{file}",
        study_name=f"{max_bytes} bytes, {hashlib.sha256(same.encode()).hexdigest()[:12]}",
        direction="maximize",
        load_if_exists=True,
    )
    # Of another seed each time that it goes on, or it would draw what it has drawn before.
    study.sampler = optuna.samplers.TPESampler(seed=space.seed + len(study.trials))
    study.set_user_attr(OPENED, len(study.trials))
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params)
    if not study.trials:
        for size_px in space.sizes_px:
            for network in space.networks:
                cheapest = {"network": network, "width": space.widths[0], "depth": space.depths[0]}
                study.enqueue_trial(cheapest | {"size_px": size_px, "variant": space.variants[-1]})
    return study


def suggest(trial: optuna.Trial, params: Params) -> Candidate:
    """Return what a trial is to try."""
    space = params.search
    network = trial.suggest_categorical("network", space.networks)
    trunk = params.networks[network].trunk
    width, depth = trunk.width, trunk.depth
    if params.networks[network].weights == "none":  # weights fit one width and depth alone
        width = trial.suggest_categorical("width", space.widths)
        depth = trial.suggest_categorical("depth", space.depths)
    size_px = trial.suggest_categorical("size_px", space.sizes_px)
    variant = trial.suggest_categorical("variant", space.variants)
    price = trial.suggest_float("nats_per_bit", *space.nats_per_bit, log=True) if variant == "ecqat" else None
    return Candidate(network, width, depth, size_px, variant, price)


def spent_epochs(study: optuna.Study) -> int:
    """Return the epochs of what came to its end, is under way, or failed since the study was opened.

    Were failures free, a search of nothing else would not end; what made former ones fail may have been mended.
    """
    opened = study.user_attrs[OPENED]
    return sum(
        trial.user_attrs.get(EPOCHS, 0)
        for trial in study.get_trials(deepcopy=False)
        if trial.state != optuna.trial.TrialState.FAIL or (WHY in trial.user_attrs and trial.number >= opened)
    )


def is_hopeless(study: optuna.Study, float_accuracy: float, float_bytes: int) -> bool:
    """Tell whether a float model is no better than a compressed one that fits the budget and is of no larger network.

    A smaller network may yet be on the front. Compression has made models better, but seldom by much.

    Args:
        study: of trials that note `FIGURES`.
        float_accuracy: of validation pictures.
        float_bytes: gzipped.
    """
    return any(
        trial.constraints[OVER] <= 0
        and trial.user_attrs[FIGURES]["float_gzip_bytes"] <= float_bytes
        and trial.user_attrs[FIGURES]["val_accuracy"] >= float_accuracy
        for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    )


def mark_front(tried: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a column `front`: none other is as good in size, latency and accuracy, and better in one.

    Args:
        tried: a row per candidate: gzip_bytes, median_ms and val_accuracy.
    """
    costs = tried[COSTS].assign(wrong=1 - tried["val_accuracy"]).to_numpy(float)
    beaten = [bool(((costs <= own).all(axis=1) & (costs < own).any(axis=1)).any()) for own in costs]
    return tried.assign(front=[not each for each in beaten])
