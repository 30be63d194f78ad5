"""Metrics and latency of the models of a run -> one frame, a row per model file."""

from collections.abc import Mapping

import pandas as pd

from maskopt.records import Record

Models = Mapping[tuple[str, str], Record]  # (backbone, variant) -> record

COUNTS = [
    "correct",
    "total",
    "raw_bytes",
    "gzip_bytes",
    "macs",
    "parameters",
    "peak_activation_bytes",
    "max_values_per_channel",
]
FRACTIONS = ["accuracy", "accuracy_low", "accuracy_high", "sparsity", "min_sparsity"]


def collect_results(metrics: Models, latency: Models) -> pd.DataFrame:
    """Return a row per network, variant and format."""
    rows = [row for model, record in metrics.items() for row in _rows(model, record, latency.get(model, {}))]
    columns = ["network", "variant", "format", *FRACTIONS, *COUNTS, *_latency_columns(rows)]
    return pd.DataFrame(rows).reindex(columns=columns).astype(dict.fromkeys(COUNTS, "Int64"))


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


def _flat(times: Record) -> Record:
    return {f"{key}_{threads}": ms for threads, each in times.items() for key, ms in each.items()}


def _latency_columns(rows: list[Record]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row if "_ms_threads_" in key))
