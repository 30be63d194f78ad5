"""Accuracy on pictures of another source -> a table beside that on the test split."""

import pandas as pd

from maskopt.report.results import MODEL, SeedModels

FIGURES = ["total", "accuracy", "accuracy_low", "accuracy_high"]


def list_extra(metrics: SeedModels) -> pd.DataFrame:
    """Return a row per network, variant and format: figures on the extra pictures, and accuracy on the test split.

    Means over seeds; no rows where no extra pictures were measured.
    """
    rows = [
        (network, variant, name, *(figures["extra"][key] for key in FIGURES), figures["accuracy"])
        for (network, variant, _), record in metrics.items()
        for name, figures in record["formats"].items()
        if "extra" in figures
    ]
    frame = pd.DataFrame(rows, columns=[*MODEL, *FIGURES, "test_accuracy"])
    return frame.groupby(MODEL, sort=False)[[*FIGURES, "test_accuracy"]].mean().reset_index()


def lay_out_extra(rows: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant and format."""
    figures = rows[["accuracy", "accuracy_low", "accuracy_high"]].itertuples(index=False)
    texts = [f"{accuracy:.2%} ({100 * low:.1f} to {100 * high:.1f})" for accuracy, low, high in figures]
    points = 100 * (rows["accuracy"] - rows["test_accuracy"])
    return rows[MODEL].assign(
        **{
            "extra pictures": [f"{total:,.0f}" for total in rows["total"]],
            "accuracy (95% interval)": texts,
            "points from the test split": [f"{each:+.1f}" for each in points],
        }
    )
