"""Accuracy under corruption -> a table, with what compression lost beside the float model."""

import pandas as pd

from maskopt.report.results import MODEL, REFERENCE, SeedModels

CLEAN = "clean"


def list_robustness(metrics: SeedModels) -> pd.DataFrame:
    """Return a row per network, variant, format, corruption and severity, with means over seeds.

    Empty where nothing was corrupted. Severity 0 is the pictures as they are. `points` are from the network's
    fine-tuned float model on the same pictures.
    """
    rows = [
        (network, variant, name, corruption, int(severity), accuracy)
        for (network, variant, _), record in metrics.items()
        for name, figures in record["formats"].items()
        if "corrupted" in figures
        for corruption, accuracies in {CLEAN: {"0": figures["accuracy"]}, **figures["corrupted"]}.items()
        for severity, accuracy in accuracies.items()
    ]
    keys = [*MODEL, "corruption", "severity"]
    means = pd.DataFrame(rows, columns=[*keys, "accuracy"]).groupby(keys, sort=False)["accuracy"].mean().reset_index()
    reference = means[(means["variant"] == REFERENCE[0]) & (means["format"] == REFERENCE[1])]
    reference = reference[["network", "corruption", "severity", "accuracy"]]
    joined = means.merge(reference, "left", ["network", "corruption", "severity"], suffixes=("", "_float"))
    return means.assign(points=100 * (joined["accuracy"] - joined["accuracy_float"]))


def lay_out_robustness(rows: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant and format, a column per corruption, means over its severities."""
    means = rows.groupby([*MODEL, "corruption"], sort=False)[["accuracy", "points"]].mean()
    texts = [
        f"{accuracy:.1%}" if pd.isna(points) else f"{accuracy:.1%} ({points:+.1f})"
        for accuracy, points in means.itertuples(index=False)
    ]
    table = pd.Series(texts, means.index).unstack("corruption", sort=False).reset_index()
    return table.rename_axis(columns=None)
