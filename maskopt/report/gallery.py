"""Everything that is to be drawn of a run -> named figures."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from maskopt.report.calibration import draw_reliability
from maskopt.report.curves import draw_phases, draw_techniques
from maskopt.report.figures import draw_confusion_matrices, draw_size_against_accuracy
from maskopt.report.results import Frames, Models
from maskopt.tflite.variants import VARIANTS

PHASES = ("baseline", "finetuned")  # training goes on from the first to the second; techniques start from the second


def draw_gallery(
    results: pd.DataFrame, metrics: Models, curves: Frames, predictions: Frames
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure: one of all models, then those of each network.

    Args:
        results: of `collect_results`.
        metrics: (backbone, variant) -> record.
        curves: (backbone, variant) -> frame, where there is one.
        predictions: likewise.
    """
    yield "size_against_accuracy", draw_size_against_accuracy(results)
    for network in dict.fromkeys(network for network, _ in metrics):
        phases = {VARIANTS[name].title: curves[network, name] for name in PHASES if (network, name) in curves}
        techniques = {name: curves[network, name] for name in VARIANTS if (network, name) in curves}
        techniques = {name: frame for name, frame in techniques.items() if name not in PHASES}
        if phases:
            yield f"curves_{network}", draw_phases(network, phases)
        if techniques:
            yield f"techniques_{network}", draw_techniques(network, techniques)
        own = {variant: record for (owner, variant), record in metrics.items() if owner == network}
        yield f"confusion_{network}", draw_confusion_matrices(network, own)
        answers = {variant: rows for (owner, variant), rows in predictions.items() if owner == network}
        if answers:
            yield f"reliability_{network}", draw_reliability(network, answers)
