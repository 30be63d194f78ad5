"""Predictions of two models for the same pictures -> whether one of them is right more often.

Shape legend: S seeds, N pictures.
"""

from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap, permutation_test
from statsmodels.stats.contingency_tables import mcnemar

from maskopt.measuring.intervals import CONFIDENCE

Right = npt.NDArray[np.bool_]

DRAWS_AT_ONCE = 10**7  # numbers of bootstrap and permutation; all of them would be gigabytes
LEVEL = 0.05  # of p, under which a difference counts as shown


@dataclass(frozen=True)
class Difference:
    """Accuracy of one model less that of another, in points, each in [-100, 100]."""

    points: float
    low: float  # end of the 95% interval
    high: float
    p_value: float  # of two models that are right equally often
    sd: float = nan  # standard deviation between seeds, where there are several

    @property
    def words(self) -> str:
        """Whether there is a difference, and how large it may be."""
        spread = "" if isnan(self.sd) else f" ± {self.sd:.1f}"
        if self.p_value >= LEVEL:
            # Interval and test are made in two ways, which may part where a difference is nearly shown.
            doubt = f", p = {self.p_value:.2g}" if self.low > 0 or self.high < 0 else ""
            mean = f": {self.points:+.1f}{spread}" if spread else ""
            return f"no difference shown{mean} ({self.low:+.1f} to {self.high:+.1f}{doubt})"
        ends = sorted((abs(self.low), abs(self.high)))
        verdict = "worse" if self.points < 0 else "better"
        return f"{verdict} by {abs(self.points):.1f}{spread} ({ends[0]:.1f} to {ends[1]:.1f})"


def compare(right: Right, reference: Right) -> Difference:
    """Return how much more often a model is right than a reference, on average over seeds.

    Source: McNemar 1947, doi:10.1007/BF02295996, exact; for several seeds its like, random changes of sign of the
    pictures' mean differences. The interval is a percentile bootstrap over pictures. Both are about the models of these
    seeds, as if there were no others; how far training by chance leads apart is the standard deviation.

    Args:
        right: (S, N) whether the model is right.
        reference: (S, N) whether the reference is, for the same seeds and pictures.
    """
    differences = 100 * (right.mean(axis=0) - reference.mean(axis=0))
    by_seed = 100 * (right.mean(axis=1) - reference.mean(axis=1))
    sd = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else nan
    if not differences.any():
        return Difference(0.0, 0.0, 0.0, 1.0, sd)
    interval = bootstrap(
        (differences,),
        np.mean,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=_batch(differences),
        rng=0,
    ).confidence_interval
    p_value = _mcnemar(right[0], reference[0]) if len(right) == 1 else _flip_signs(differences)
    return Difference(float(differences.mean()), float(interval.low), float(interval.high), p_value, sd)


def _mcnemar(right: Right, reference: Right) -> float:
    counts = [[int((a & b).sum()) for b in (reference, ~reference)] for a in (right, ~right)]
    return float(mcnemar(counts, exact=True).pvalue)


def _flip_signs(differences: npt.NDArray[np.float64]) -> float:
    test = permutation_test((differences,), np.mean, permutation_type="samples", batch=_batch(differences), rng=0)
    return float(test.pvalue)


def _batch(differences: npt.NDArray[np.float64]) -> int:
    """Return how many draws of all pictures are held at once."""
    return max(1, DRAWS_AT_ONCE // len(differences))
