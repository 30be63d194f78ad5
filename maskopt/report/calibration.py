"""Predictions of one network -> its reliability diagrams."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from maskopt.measuring.calibration import bin_by_confidence, calibration_error
from maskopt.report.canvas import COLOURS, GRID, hide_unused, new_figure, tidy
from maskopt.tflite.variants import VARIANTS

PANELS_PER_ROW = 5
LARGEST_MARK = 220  # points squared, of a bin that holds all pictures


def draw_reliability(network: str, predictions: Mapping[str, pd.DataFrame]) -> Figure:
    """Return accuracy against confidence for each variant, of the last of its formats; variant -> predictions."""
    n_rows = -(-len(predictions) // PANELS_PER_ROW)
    figure = new_figure(10, 1.1 + 2 * n_rows)
    figure.suptitle(f"{network}: how often it is right, by how sure it is (mark: pictures)", fontweight="bold")
    panels = list(figure.subplots(n_rows, PANELS_PER_ROW, sharex=True, sharey=True, squeeze=False).flat)
    for axes, (variant, rows) in zip(panels, predictions.items(), strict=False):
        _draw_panel(axes, variant, VARIANTS[variant].formats[-1], rows)
    for axes in panels[::PANELS_PER_ROW]:
        axes.set_ylabel("accuracy")
    hide_unused(panels, len(predictions))
    figure.supxlabel("confidence")
    return figure


def _draw_panel(axes: Axes, variant: str, name: str, rows: pd.DataFrame) -> None:
    confidence = rows[f"{name}_confidence"].to_numpy()
    right = (rows[name] == rows["label"]).to_numpy()
    bins = bin_by_confidence(confidence, right)
    axes.plot([0, 1], [0, 1], color=GRID, zorder=0)
    sizes = LARGEST_MARK * bins["pictures"] / len(rows)
    axes.scatter(bins["confidence"], bins["accuracy"], s=sizes.clip(lower=4), color=COLOURS[0])
    axes.set_title(f"{variant}\n{name}, error {100 * calibration_error(confidence, right):.1f} points", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    tidy(axes, "both")
