"""What is known of a picture without looking at it -> how often that alone tells its class.

Where file facts tell the class, a network can learn them in place of what is shown, and be right for the wrong reason:
Geirhos et al. 2020, arXiv:2004.07780.

Shape legend: N pictures, H height px, W width px.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from maskopt.measuring.intervals import wilson_interval

TOGETHER = "all of these"
FAR_ABOVE_CHANCE = 0.15  # of what chance leaves: of three equal classes, a tenth of all pictures
FOLDS = 5
TREES = 50
LEAF = 5  # pictures; smaller leaves learn single files by heart


@dataclass(frozen=True)
class Shortcut:
    """How often facts alone tell the class, in pictures that they were not learned from; fractions in [0, 1]."""

    accuracy: float
    accuracy_low: float  # end of the 95% interval
    accuracy_high: float


def list_facts(manifest: pd.DataFrame, pixels: npt.NDArray[np.uint8]) -> dict[str, pd.DataFrame]:
    """Return a name -> columns of numbers, one row per picture.

    Args:
        manifest: N rows.
        pixels: (N, H, W, 3) RGB of the same pictures.
    """
    colour = [picture.reshape(-1, 3).mean(axis=0) for picture in pixels]
    return {
        "bytes": manifest[["bytes"]],
        "size": manifest[["width_px", "height_px"]],
        "mode": pd.get_dummies(manifest["mode"]),
        "mean colour": pd.DataFrame(colour, columns=["red", "green", "blue"]),
    }


def probe(facts: Mapping[str, pd.DataFrame], labels: Sequence[str], groups: Sequence[int]) -> dict[str, Shortcut]:
    """Return how often each of the facts, and all together, tell the class.

    A forest learns from four fifths of the pictures and is asked for the others, five times; look-alikes stay together.
    Where a class has fewer than five pictures, there are as many parts as it has.

    Args:
        facts: name -> columns of numbers.
        labels: of N pictures.
        groups: look-alikes have the same number.
    """
    together = pd.concat(facts.values(), axis=1)
    n_folds = min(FOLDS, *Counter(labels).values(), len(set(groups)))
    shuffled = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0)
    folds = list(shuffled.split(together, labels, groups))  # once: it takes as long as the forest
    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=0)
    found = {}
    for name, columns in {**facts, TOGETHER: together}.items():
        said = cross_val_predict(forest, columns.to_numpy(np.float64), labels, cv=folds)
        right = int((said == np.asarray(labels)).sum())
        found[name] = Shortcut(right / len(labels), *wilson_interval(right, len(labels)))
    return found


def is_far_above(shortcut: Shortcut, chance: float) -> bool:
    """Return whether a network that took this shortcut would be taken for one that learned something."""
    return shortcut.accuracy_low > chance + FAR_ABOVE_CHANCE * (1 - chance)
