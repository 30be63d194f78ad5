"""What a network says of pictures that it was trained without -> what leaks gain, and labels that may be wrong.

Shape legend: N pictures, K classes.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from maskopt.params import CrossValidation
from maskopt.report.paired import Difference, Right, compare

ABOUT = ["path", "label"]
GAIN = """\
In cross-validation ({folds} folds, seed {seed}) `{network}` is right about {together:.1%} of all pictures while
look-alikes are kept on one side, and about {parted:.1%} when chance may part them: {words}. The two
trainings differ by chance as well, and this is one seed: the gain includes that noise, which its interval leaves out.
"""


@dataclass(frozen=True)
class Gain:
    """What a network seems to gain when look-alikes may be on both sides of a split. Accuracies are in [0, 1]."""

    together: float  # accuracy with look-alikes on one side
    parted: float  # accuracy with look-alikes parted by chance
    difference: Difference  # of the second from the first, on the same pictures


def measure_gain(together: pd.DataFrame, parted: pd.DataFrame) -> Gain:
    """Return what the leak gains.

    Args:
        together: N rows: path, label, and the probability of each class.
        parted: the same pictures, asked after training that may have seen their look-alikes.
    """
    right, leaked = _right(together), _right(parted)
    return Gain(float(right.mean()), float(leaked.mean()), compare(leaked, right))


def say_gain(gain: Gain, asked: CrossValidation, seed: int) -> str:
    """Return the gain in words."""
    return GAIN.format(**asdict(gain), words=gain.difference.words, **asked.model_dump(), seed=seed)


def list_label_problems(crossed: pd.DataFrame) -> pd.DataFrame:
    """Return a row per picture whose label is probably wrong, the likeliest first: path, label, said, likely.

    `said` is the class that the network finds likeliest, `likely` how likely it finds the label, in [0, 1].
    Source: Northcutt et al. 2021, arXiv:1911.00068 (confident learning), as cleanlab does it.
    """
    if crossed.empty:
        return pd.DataFrame(columns=[*ABOUT, "said", "likely"])
    from cleanlab.filter import find_label_issues  # noqa: PLC0415  takes a second, not needed for nothing

    classes = list(crossed.columns.drop(ABOUT))
    labels, scores = crossed["label"].map(classes.index).to_numpy(), crossed[classes].to_numpy()
    order = find_label_issues(labels, scores, return_indices_ranked_by="self_confidence", n_jobs=1)
    found = {
        "path": crossed["path"].to_numpy()[order],
        "label": crossed["label"].to_numpy()[order],
        "said": [classes[i] for i in scores[order].argmax(axis=1)],
        "likely": scores[order, labels[order]],
    }
    return pd.DataFrame(found)


def lay_out_label_problems(problems: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per picture."""
    texts = problems[[*ABOUT, "said"]].assign(likely=[f"{part:.1%}" for part in problems["likely"]])
    return texts.rename(columns={"said": "what the network says", "likely": "how likely it finds the label"})


def _right(crossed: pd.DataFrame) -> Right:
    """Return (1, N): whether the network is right."""
    scores = crossed.drop(columns=ABOUT)
    right: Right = np.asarray(scores.idxmax(axis=1) == crossed["label"])[None]
    return right
