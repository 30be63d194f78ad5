"""Metrics of the first seed -> which model to ship, in words; validation pictures choose it, test pictures never."""

from collections.abc import Mapping
from math import sqrt

from maskopt.bundle.description import BEST_BY, best
from maskopt.files import Record
from maskopt.measuring.intervals import wilson_interval
from maskopt.report.results import Models

Figures = Mapping[tuple[str, str], Record]  # (backbone, variant) -> metrics of its int8 file

FORMAT = "int8"  # that `maskopt bundle` ships where no other is asked for
CHOICE = """\
## Which model

- The best: {best}
- The smallest that is as good but for noise: {smallest}

Of the int8 files of the first seed, the best is {best_by}.
Noise is one standard error of its share. The test pictures had no part in this. Section Words explains the names.

## How it was measured
"""
NONE_YET = """\
## Which model

None yet: the best, `{name}`, is right about {share:.2%} of the {pictures:,} validation pictures, which does not show
that it is better than always naming the most frequent class, which {chance:.2%} of them are of. More pictures, or more
epochs, may help.

## How it was measured
"""
MODEL = """\
`{name}`, {gzip_bytes:,} gzip bytes, right about {val_accuracy:.2%} of the validation pictures and {accuracy:.2%} of the
  test pictures ({low:.1f} to {high:.1f}). To ship it: `maskopt bundle {name}`\
"""


def choose(figures: Figures, val_pictures: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the best model as `BEST_BY` says, and the smallest one of those at most one standard error below it.

    Source: Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, 7.10.1 (one-standard-error rule).

    Args:
        figures: of at least one model.
        val_pictures: how many chose.
    """
    chosen = best(figures)
    share = figures[chosen]["val_accuracy"]
    enough = share - sqrt(share * (1 - share) / val_pictures)
    near = {model: each for model, each in figures.items() if each["val_accuracy"] >= enough}
    return chosen, min(near, key=lambda model: (near[model]["gzip_bytes"], -near[model]["val_accuracy"]))


def say_choice(metrics: Models, val_pictures: Mapping[str, int]) -> str:
    """Return the answer as Markdown; nothing where no int8 file was measured.

    Args:
        metrics: of the first seed.
        val_pictures: class -> how many pictures of it chose.
    """
    figures = {model: record["formats"][FORMAT] for model, record in metrics.items() if FORMAT in record["formats"]}
    if not figures:
        return ""
    pictures = sum(val_pictures.values())
    chosen, smallest = choose(figures, pictures)
    share, chance = figures[chosen]["val_accuracy"], max(val_pictures.values()) / pictures
    if wilson_interval(round(share * pictures), pictures)[0] <= chance:
        return NONE_YET.format(name="/".join(chosen), share=share, pictures=pictures, chance=chance)
    return CHOICE.format(
        best=_describe(chosen, figures),
        smallest="the same" if smallest == chosen else _describe(smallest, figures),
        best_by=BEST_BY,
    )


def _describe(model: tuple[str, str], figures: Figures) -> str:
    each = figures[model]
    low, high = (100 * each[f"accuracy_{end}"] for end in ("low", "high"))
    return MODEL.format(name="/".join(model), low=low, high=high, **each)
