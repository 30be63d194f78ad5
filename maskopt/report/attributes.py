"""Predictions and attributes of pictures -> how often models are right about each group of pictures."""

import pandas as pd

from maskopt.measuring.intervals import wilson_interval
from maskopt.report.results import MODEL, SeedFrames
from maskopt.report.tables import NOTHING
from maskopt.tflite.variants import VARIANTS

GROUP = ["attribute", "value", "class"]


def list_groups(predictions: SeedFrames, attributes: pd.DataFrame) -> pd.DataFrame:
    """Return a row per network, variant, format, attribute, value and class: recall, means over seeds.

    `pictures` are those of the test split, `low` and `high` the ends of the 95% interval (Wilson, as wide as that of
    one seed). Empty where there are no attributes.

    Args:
        predictions: of each model and seed: path, label, and an answer for each format.
        attributes: a row per picture: path, and a column for each attribute.
    """
    known = attributes.set_index("path")
    rows = [
        (network, variant, name, attribute, value, label, seed, len(right), int(right.sum()))
        for (network, variant, seed), frame in predictions.items()
        for name in VARIANTS[variant].formats
        for attribute in known.columns
        for (value, label), right in (frame[name] == frame["label"]).groupby(
            [frame["path"].map(known[attribute]).rename("value"), frame["label"]]
        )
    ]
    keys = [*MODEL, *GROUP]
    found = pd.DataFrame(rows, columns=[*keys, "seed", "pictures", "correct"])
    ends = [wilson_interval(right, total) for right, total in found[["correct", "pictures"]].itertuples(index=False)]
    found[["low", "high"]] = pd.DataFrame(ends, found.index, columns=["low", "high"], dtype=float)
    found["recall"] = found["correct"] / found["pictures"]
    return found.groupby(keys, sort=False)[["pictures", "recall", "low", "high"]].mean().reset_index()


def lay_out_groups(groups: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant, format, attribute and value, a column per class."""
    texts = [
        f"{recall:.1%} ({100 * low:.1f} to {100 * high:.1f}) of {pictures:.0f}"
        for pictures, recall, low, high in groups[["pictures", "recall", "low", "high"]].itertuples(index=False)
    ]
    index = pd.MultiIndex.from_frame(groups[[*MODEL, *GROUP]])
    return pd.Series(texts, index).unstack("class", sort=False).fillna(NOTHING).reset_index().rename_axis(columns=None)
