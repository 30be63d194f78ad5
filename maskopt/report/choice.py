"""Metrics of the first seed -> which model to ship, in words; validation pictures choose it, test pictures never."""

from collections.abc import Mapping
from math import sqrt

import pandas as pd

from maskopt.bundle.description import BEST_BY, best
from maskopt.files import Record
from maskopt.guessing import beats_guessing, doubt
from maskopt.report.results import Models

Figures = Mapping[tuple[str, str], Record]  # (backbone, variant) -> metrics of its int8 file

FORMAT = "int8"  # that `maskopt bundle` ships where no other is asked for
CHOICE = """\
## Which model

- The best: {best}
- The smallest that is as good but for noise: {smallest}

{drawn}Of the int8 files of the first seed, the best is {best_by}; [Validation](#validation) lists them all.
Noise is one standard error of its share of {pictures:,} pictures. The test pictures had no part in this.
[Words](#words) explains the names, and "unsure".

## How it was measured
"""
NONE_YET = """\
## Which model

None yet: the best, `{name}`, {doubt}.
[Validation](#validation) lists all models.

## How it was measured
"""
MODEL = """\
`{name}`, {gzip_bytes:,} gzip bytes, right about {val_accuracy:.2%} of the validation pictures and {accuracy:.2%} of the
  test pictures ({low:.1f} to {high:.1f}), unsure about {unsure_share:.1%} of the validation pictures. To ship it:
  `maskopt bundle {name}`\
"""
DRAWINGS = """\
The pictures are drawings that maskopt makes: which model is the best about photographs was not measured.

"""


def choose(figures: Figures, val_pictures: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the best model as `BEST_BY` says, and the smallest one of those at most one standard error below it.

    Source: Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, 7.10.1 (one-standard-error rule).

    Args:
        figures: of at least one model.
        val_pictures: how many chose.
    """
    chosen = best(figures)
    enough = _least(figures[chosen]["val_accuracy"], val_pictures)
    near = {model: each for model, each in figures.items() if each["val_accuracy"] >= enough}
    return chosen, min(near, key=lambda model: (near[model]["gzip_bytes"], -near[model]["val_accuracy"]))


def list_validation(metrics: Models, val_pictures: Mapping[str, int]) -> pd.DataFrame:
    """Return a row per network and variant, the best first: how good its int8 file is, how unsure, how large.

    Args:
        metrics: of the first seed.
        val_pictures: class -> how many pictures of it chose.
    """
    figures = _of_int8(metrics)
    columns = ["val_accuracy", "unsure_share", "gzip_bytes"]
    rows = [(*model, *(each[name] for name in columns)) for model, each in figures.items()]
    table = pd.DataFrame(rows, columns=["network", "variant", *columns])
    table = table.sort_values(["val_accuracy", "gzip_bytes"], ascending=[False, True], ignore_index=True)
    enough = _least(table["val_accuracy"].max(), sum(val_pictures.values()))
    return table.assign(
        as_good=[share >= enough and beats_guessing(share, val_pictures.values()) for share in table["val_accuracy"]]
    )


def lay_out_validation(validation: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network and variant."""
    return pd.DataFrame(
        {
            "network": validation["network"],
            "variant": validation["variant"],
            "accuracy (validation)": [f"{share:.2%}" for share in validation["val_accuracy"]],
            "unsure (validation)": [f"{share:.1%}" for share in validation["unsure_share"]],
            "gzip bytes": [f"{count:,}" for count in validation["gzip_bytes"]],
            "as good but for noise": ["yes" if good else "no" for good in validation["as_good"]],
        }
    )


def name_best(metrics: Models, val_pictures: Mapping[str, int]) -> tuple[str, str] | None:
    """Return the model that `say_choice` calls the best; None where it names none to ship."""
    figures = _of_int8(metrics)
    if not figures:
        return None
    chosen = best(figures)
    return chosen if beats_guessing(figures[chosen]["val_accuracy"], val_pictures.values()) else None


def say_choice(metrics: Models, val_pictures: Mapping[str, int], drawn: bool) -> str:
    """Return the answer as Markdown; nothing where no int8 file was measured.

    Args:
        metrics: of the first seed.
        val_pictures: class -> how many pictures of it chose.
        drawn: whether the pictures are those that maskopt draws.
    """
    figures = _of_int8(metrics)
    if not figures:
        return ""
    pictures = sum(val_pictures.values())
    counts = val_pictures.values()
    chosen = best(figures)
    share = figures[chosen]["val_accuracy"]
    if not beats_guessing(share, counts):
        return NONE_YET.format(name="/".join(chosen), doubt=doubt(share, counts))
    shown = {model: each for model, each in figures.items() if beats_guessing(each["val_accuracy"], counts)}
    _, smallest = choose(shown, pictures)
    return CHOICE.format(
        best=_describe(chosen, figures),
        smallest="the same" if smallest == chosen else _describe(smallest, figures),
        best_by=BEST_BY,
        drawn=DRAWINGS if drawn else "",
        pictures=pictures,
    )


def _of_int8(metrics: Models) -> Figures:
    return {model: record["formats"][FORMAT] for model, record in metrics.items() if FORMAT in record["formats"]}


def _least(share: float, pictures: int) -> float:
    """Return the share that is one standard error lower."""
    return share - sqrt(share * (1 - share) / pictures)


def _describe(model: tuple[str, str], figures: Figures) -> str:
    each = figures[model]
    low, high = (100 * each[f"accuracy_{end}"] for end in ("low", "high"))
    return MODEL.format(name="/".join(model), low=low, high=high, **each)
