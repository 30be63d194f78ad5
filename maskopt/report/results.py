"""Metrics, latency and predictions of the models of a run -> frames, a row per model file or more."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from maskopt.files import Record
from maskopt.report.paired import Right, compare

Models = Mapping[tuple[str, str], Record]  # (backbone, variant) -> record
Frames = Mapping[tuple[str, str], pd.DataFrame]  # (backbone, variant) -> frame
SeedModels = Mapping[tuple[str, str, int], Record]  # (backbone, variant, seed) -> record
SeedFrames = Mapping[tuple[str, str, int], pd.DataFrame]  # (backbone, variant, seed) -> frame

MODEL = ["network", "variant", "format"]

COUNTS = [
    "correct",
    "total",
    "raw_bytes",
    "gzip_bytes",
    "brotli_bytes",
    "xz_bytes",
    "entropy_bytes",
    "weight_bytes",
    "bias_bytes",
    "scale_bytes",
    "graph_bytes",
    "macs",
    "parameters",
    "peak_activation_bytes",
    "max_values_per_channel",
]
FRACTIONS = [
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "macro_f1",
    "calibration_error",
    "sparsity",
    "min_sparsity",
]
DIFFERENCE = ["points", "low", "high", "p_value", "sd"]  # of `paired.Difference`
SPREAD = ["accuracy", "macro_f1", "calibration_error"]  # what has a standard deviation between seeds
REFERENCE = ("finetuned", "float32")  # what the other models of a network are compared with


def collect_results(metrics: SeedModels, latency: Models, predictions: SeedFrames) -> pd.DataFrame:
    """Return a row per network, variant and format, with means over its seeds.

    `accuracy_low` and `accuracy_high`, too, are means of the seeds' ends: the interval is as wide as that of one seed,
    since all are asked about the same pictures. `*_sd` is the standard deviation between seeds, if there are several.
    `difference_*` is from the network's fine-tuned float model, and `*_ms_threads_*` of one seed.
    """
    by_seed = collect_seeds(metrics)
    groups = by_seed.groupby(MODEL, sort=False)
    results = (
        groups[[*FRACTIONS, *COUNTS]]
        .mean()
        .join(groups[SPREAD].std().add_suffix("_sd"))
        .assign(seeds=groups["seed"].nunique())
    )
    results[COUNTS] = results[COUNTS].round().astype("Int64")
    extra = pd.DataFrame([_difference(model, predictions) | _times(model, latency) for model in results.index])
    columns = [*(f"difference_{name}" for name in DIFFERENCE), *extra.columns[extra.columns.str.contains("_ms_")]]
    results[columns] = extra.reindex(columns=columns).to_numpy(float)
    return results.reset_index()


def collect_seeds(metrics: SeedModels) -> pd.DataFrame:
    """Return a row per network, variant, format and seed."""
    rows = [
        {"network": network, "variant": variant, "format": name, "seed": seed}
        | {key: figures[key] for key in (*FRACTIONS, *COUNTS)}
        for (network, variant, seed), record in metrics.items()
        for name, figures in record["formats"].items()
    ]
    return pd.DataFrame(rows, columns=[*MODEL, "seed", *FRACTIONS, *COUNTS]).astype(dict.fromkeys(COUNTS, "Int64"))


def collect_recall(metrics: SeedModels) -> pd.DataFrame:
    """Return a row per network, variant, format and class, with means over its seeds, and their standard deviation."""
    rows = [
        (network, variant, name, label, recall, figures["recall_low"][label], figures["recall_high"][label])
        for (network, variant, _), record in metrics.items()
        for name, figures in record["formats"].items()
        for label, recall in figures["recall"].items()
    ]
    frame = pd.DataFrame(rows, columns=[*MODEL, "class", "recall", "low", "high"])
    groups = frame.astype(dict.fromkeys(["recall", "low", "high"], float)).groupby([*MODEL, "class"], sort=False)
    return groups.mean().assign(recall_sd=groups["recall"].std()).reset_index()


def list_curves(curves: Frames) -> pd.DataFrame:
    """Return a row per network, variant and epoch."""
    rows = [frame.assign(network=network, variant=variant) for (network, variant), frame in curves.items()]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["network", "variant", "epoch"])


def list_confusion(metrics: Models) -> pd.DataFrame:
    """Return a row per network, variant, format, true class and predicted class: pictures."""
    rows = [
        (network, variant, name, true, said, count)
        for (network, variant), record in metrics.items()
        for name, figures in record["formats"].items()
        for true, answers in figures["confusion"].items()
        for said, count in answers.items()
    ]
    return pd.DataFrame(rows, columns=[*MODEL, "true", "predicted", "pictures"])


def list_starts(metrics: SeedModels) -> dict[str, str]:
    """Return what each network started from, as `networks.<network>.weights` of params says it."""
    return {network: record["training"]["weights"] for (network, *_), record in metrics.items()}


def _difference(model: tuple[str, str, str], predictions: SeedFrames) -> Record:
    network, *compared = model
    if tuple(compared) == REFERENCE:
        return {}
    right, reference = _right(predictions, model), _right(predictions, (network, *REFERENCE))
    seeds = right.keys() & reference.keys()
    if not seeds:
        return {}
    difference = compare(*(np.stack([each[seed] for seed in sorted(seeds)]) for each in (right, reference)))
    return {f"difference_{name}": figure for name, figure in asdict(difference).items()}


def _right(predictions: SeedFrames, model: tuple[str, str, str]) -> dict[int, Right]:
    """Return (N,) by seed: whether the model is right."""
    network, variant, name = model
    return {
        seed: (rows[name] == rows["label"]).to_numpy()
        for (*owner, seed), rows in predictions.items()
        if owner == [network, variant]
    }


def _times(model: tuple[str, str, str], latency: Models) -> Record:
    network, variant, name = model
    times = latency.get((network, variant), {}).get("formats", {}).get(name, {})
    return {f"{key}_{threads}": ms for threads, each in times.items() for key, ms in each.items()}
