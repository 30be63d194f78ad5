"""Training curves of one network -> figures."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from maskopt.report.canvas import GRID, TRAIN, VALIDATION, hide_unused, new_figure, tidy

PANELS_PER_ROW = 4

Curves = Mapping[str, pd.DataFrame]  # title -> epoch, loss, accuracy, val_loss, val_accuracy, learning_rate


def draw_phases(network: str, phases: Curves) -> Figure:
    """Return accuracy and loss over phases that follow each other, as in the paper's figures 2 to 10."""
    figure = new_figure(9, 3.4)
    figure.suptitle(f"{network}: training", fontweight="bold")
    whole = pd.concat(phases.values(), ignore_index=True)
    starts = np.cumsum([0, *(len(frame) for frame in phases.values())])
    for axes, measure in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        _draw_measure(axes, whole, measure)
        for title, start, end in zip(phases, starts[:-1], starts[1:], strict=True):
            axes.axvspan(start + 0.5, end + 0.5, color=GRID, alpha=0.5 if start else 0.0, zorder=0, linewidth=0)
            axes.text((start + end + 1) / 2, 1.01, title, transform=axes.get_xaxis_transform(), ha="center")
        axes.set_xlim(0.5, len(whole) + 0.5)
    return figure


def draw_techniques(network: str, techniques: Curves) -> Figure:
    """Return accuracy over the epochs of each technique, on one scale."""
    n_rows = -(-len(techniques) // PANELS_PER_ROW)
    figure = new_figure(9, 0.6 + 2.1 * n_rows)
    figure.suptitle(f"{network}: accuracy while each technique trains", fontweight="bold")
    grid = figure.subplots(n_rows, PANELS_PER_ROW, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for axes, (title, frame) in zip(panels, techniques.items(), strict=False):
        _draw_measure(axes, frame, "accuracy")
        axes.set_title(title)
        axes.set_ylabel("accuracy" if axes in grid[:, 0] else "")
    for axes in panels[1:]:
        if legend := axes.get_legend():
            legend.remove()
    hide_unused(panels, len(techniques))
    return figure


def _draw_measure(axes: Axes, frame: pd.DataFrame, measure: str) -> None:
    epochs = np.arange(1, len(frame) + 1)
    axes.plot(epochs, frame[measure], color=TRAIN, marker="o", markersize=3, label="training")
    axes.plot(epochs, frame[f"val_{measure}"], color=VALIDATION, marker="s", markersize=3, ls="--", label="validation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if measure == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    tidy(axes, "y")
    axes.set_xlabel("epoch")
    axes.set_ylabel(measure)
    axes.legend(frameon=False)
