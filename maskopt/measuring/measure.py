"""Scores and labels of the test pictures, and the graph of the .tflite file -> the figures of one model file.

Shape legend: N pictures, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score

from maskopt.measuring.calibration import calibration_error
from maskopt.measuring.costs import count_macs, count_parameters, measure_peak_activation_bytes
from maskopt.measuring.intervals import DIGITS, wilson_interval
from maskopt.tflite.inspection import Graph
from maskopt.tflite.invariants import list_kernels

Ints = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Quality:
    """How often a model is right, and where it errs. Fractions are in [0, 1]."""

    correct: int
    total: int
    accuracy: float
    accuracy_low: float  # end of the 95% interval
    accuracy_high: float
    recall: dict[str, float | None]  # by class; None: no picture of that class
    recall_low: dict[str, float | None]  # ends of the 95% intervals
    recall_high: dict[str, float | None]
    macro_f1: float  # the mean of F1 over the classes that were seen or said
    calibration_error: float  # expected calibration error
    confusion: dict[str, dict[str, int]]  # true class -> predicted class -> pictures


@dataclass(frozen=True)
class Cost:
    """What one inference takes."""

    macs: int
    parameters: int
    peak_activation_bytes: int


@dataclass(frozen=True)
class Weights:
    """What is left of pruning and clustering in the kernels that they are about."""

    sparsity: float  # of all these weights together
    min_sparsity: float  # of the kernel with the fewest zeros
    max_values_per_channel: int


def assess(scores: Scores, labels: Ints, classes: Sequence[str]) -> Quality:
    """Return the figures of (N, K) scores in [0, 1] and (N,) true class indices, N at least 1."""
    predicted = scores.argmax(axis=1)
    confusion = np.zeros((len(classes), len(classes)), np.int64)  # (K, K): true, predicted
    np.add.at(confusion, (labels, predicted), 1)
    correct, total = int(np.trace(confusion)), len(labels)
    low, high = wilson_interval(correct, total)
    hits = {name: (int(row[i]), int(row.sum())) for i, (name, row) in enumerate(zip(classes, confusion, strict=True))}
    intervals = {name: wilson_interval(*hit) if hit[1] else (None, None) for name, hit in hits.items()}
    by_name = [dict(zip(classes, row.tolist(), strict=True)) for row in confusion]
    return Quality(
        correct=correct,
        total=total,
        accuracy=round(correct / total, DIGITS),
        accuracy_low=low,
        accuracy_high=high,
        recall={name: round(hit / of, DIGITS) if of else None for name, (hit, of) in hits.items()},
        recall_low={name: ends[0] for name, ends in intervals.items()},
        recall_high={name: ends[1] for name, ends in intervals.items()},
        macro_f1=round(float(f1_score(labels, predicted, average="macro")), DIGITS),
        calibration_error=round(calibration_error(scores.max(axis=1), predicted == labels), DIGITS),
        confusion=dict(zip(classes, by_name, strict=True)),
    )


def count_costs(graph: Graph) -> Cost:
    """Return what the graph of a .tflite file takes to run."""
    return Cost(
        macs=count_macs(graph),
        parameters=count_parameters(graph),
        peak_activation_bytes=measure_peak_activation_bytes(graph),
    )


def summarize_weights(graph: Graph) -> Weights:
    """Return what the kernels hold, at least one of which there is."""
    kernels = list_kernels(graph)
    return Weights(
        sparsity=round(sum(k.zeros for k in kernels) / sum(k.weights for k in kernels), DIGITS),
        min_sparsity=round(min(k.sparsity for k in kernels), DIGITS),
        max_values_per_channel=max(k.values_per_channel for k in kernels),
    )
