"""An opened .tflite file -> the time of one inference."""

import time
from dataclasses import dataclass

import numpy as np

from maskopt.measuring.litert import Classifier


@dataclass(frozen=True)
class Latency:
    """Of one picture at a time, after warming up."""

    median_ms: float
    p95_ms: float  # 95 of 100 runs are faster


def time_inference(classifier: Classifier, warmup_runs: int, runs: int) -> Latency:
    """Return the time of one inference, copying the picture in and the scores out included."""
    picture = np.random.default_rng(0).integers(0, 256, (1, *classifier.picture_shape), np.uint8)
    for _ in range(warmup_runs):
        classifier.scores(picture)
    times_ms = []
    for _ in range(runs):
        start_ns = time.perf_counter_ns()
        classifier.scores(picture)
        times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
    return Latency(
        median_ms=round(float(np.median(times_ms)), 4),
        p95_ms=round(float(np.percentile(times_ms, 95)), 4),
    )
