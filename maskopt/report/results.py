"""Metrics, latency and predictions of the models of a run -> frames, a row per model file or more."""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from maskopt.records import Record
from maskopt.report.paired import Right, compare

Models = Mapping[tuple[str, str], Record]  # (backbone, variant) -> record
Frames = Mapping[tuple[str, str], pd.DataFrame]  # (backbone, variant) -> frame

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
DIFFERENCE = ["points", "low", "high", "p_value"]  # of `paired.Difference`
REFERENCE = ("finetuned", "float32")  # what the other models of a network are compared with


def collect_results(metrics: Models, latency: Models, predictions: Frames) -> pd.DataFrame:
    """Return a row per network, variant and format; `difference_*` is from the network's fine-tuned float model."""
    rows = [row for model, record in metrics.items() for row in _rows(model, record, latency.get(model, {}))]
    rows = [row | _difference(row, predictions) for row in rows]
    differences = [f"difference_{name}" for name in DIFFERENCE]
    columns = ["network", "variant", "format", *FRACTIONS, *differences, *COUNTS, *_latency_columns(rows)]
    return pd.DataFrame(rows).reindex(columns=columns).astype(dict.fromkeys(COUNTS, "Int64"))


def collect_recall(metrics: Models) -> pd.DataFrame:
    """Return a row per network, variant, format and class."""
    rows = [
        (network, variant, name, label, recall, figures["recall_low"][label], figures["recall_high"][label])
        for (network, variant), record in metrics.items()
        for name, figures in record["formats"].items()
        for label, recall in figures["recall"].items()
    ]
    return pd.DataFrame(rows, columns=["network", "variant", "format", "class", "recall", "low", "high"])


def list_starts(metrics: Models) -> dict[str, str]:
    """Return what each network started from, as `networks.<network>.weights` of params says it."""
    return {network: record["training"]["weights"] for (network, _), record in metrics.items()}


def _rows(model: tuple[str, str], record: Record, latency: Record) -> list[Record]:
    network, variant = model
    return [
        {
            "network": network,
            "variant": variant,
            "format": name,
            **{key: figures[key] for key in (*FRACTIONS, *COUNTS)},
            **_flat(latency.get("formats", {}).get(name, {})),
        }
        for name, figures in record["formats"].items()
    ]


def _difference(row: Record, predictions: Frames) -> Record:
    reference = _right(predictions, row["network"], *REFERENCE)
    right = _right(predictions, row["network"], row["variant"], row["format"])
    if reference is None or right is None or (row["variant"], row["format"]) == REFERENCE:
        return {}
    return {f"difference_{name}": figure for name, figure in asdict(compare(right, reference)).items()}


def _right(predictions: Frames, network: str, variant: str, name: str) -> Right | None:
    rows = predictions.get((network, variant))
    return None if rows is None else (rows[name] == rows["label"]).to_numpy()


def _flat(times: Record) -> Record:
    return {f"{key}_{threads}": ms for threads, each in times.items() for key, ms in each.items()}


def _latency_columns(rows: list[Record]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row if "_ms_threads_" in key))
