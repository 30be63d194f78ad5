"""Results -> size against accuracy; metrics of one network -> its confusion matrices."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from maskopt.files import Record
from maskopt.report.canvas import COLOURS, hide_unused, new_figure, tidy
from maskopt.tflite.variants import VARIANTS

MARKERS = ("o", "s", "^", "D", "P", "v", "X", "<", ">", "p")
FACES = {"float32": "#BBBBBB", "dynamic": "white", "int8": None}  # None: the variant's colour
STYLES = dict(zip(VARIANTS, zip(cycle(COLOURS), cycle(MARKERS), strict=False), strict=False))
MATRICES_PER_ROW = 5
FEW_TICKS, MANY_TICKS = (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)  # times a power of ten
POINT = ["variant", "format", "gzip_bytes", "accuracy", "accuracy_low", "accuracy_high"]


def draw_size_against_accuracy(results: pd.DataFrame) -> Figure:
    """Return gzipped bytes against accuracy with its 95% interval, a panel per network, on the same axes."""
    networks = results["network"].drop_duplicates().tolist()
    figure = new_figure(9, 0.5 + 2.7 * len(networks))
    panels = figure.subplots(len(networks), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, network in zip(panels, networks, strict=True):
        _draw_network(axes, results[results["network"] == network])
        axes.set_title(network, loc="left", fontweight="bold")
    sizes = results["gzip_bytes"]
    panels[-1].xaxis.set_major_locator(LogLocator(subs=FEW_TICKS if sizes.max() > 10 * sizes.min() else MANY_TICKS))
    panels[-1].set_xlabel("gzipped size")
    figure.legend(handles=_legend(results), loc="outside right upper", frameon=False)
    return figure


def draw_confusion_matrices(network: str, metrics: Mapping[str, Record]) -> Figure:
    """Return a matrix for each variant, of the last of its formats; variant -> metrics."""
    figures = {variant: record["formats"] for variant, record in metrics.items() if record["formats"]}
    n_rows = -(-len(figures) // MATRICES_PER_ROW)
    figure = new_figure(10, 1.1 + 2 * n_rows)
    figure.suptitle(f"{network}: true class (rows), predicted class (columns), pictures", fontweight="bold")
    panels = list(figure.subplots(n_rows, MATRICES_PER_ROW, squeeze=False).flat)
    for i, (axes, (variant, formats)) in enumerate(zip(panels, figures.items(), strict=False)):
        name, last = list(formats.items())[-1]
        _draw_matrix(axes, last["confusion"])
        axes.set_title(f"{variant}\n{name}", fontsize=9)
        is_lowest = i + MATRICES_PER_ROW >= len(figures)
        axes.tick_params(labelleft=i % MATRICES_PER_ROW == 0, labelbottom=is_lowest)
    hide_unused(panels, len(figures))
    return figure


def size_text(size_bytes: float, _: object) -> str:
    """Return what stands at a tick of an axis of bytes."""
    return f"{size_bytes / 1e6:g} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:g} kB"


def _draw_network(axes: Axes, rows: pd.DataFrame) -> None:
    for variant, name, size_bytes, *fractions in rows[POINT].itertuples(index=False):
        accuracy, low, high = (float(fraction) for fraction in fractions)
        colour, marker = STYLES[variant]
        axes.errorbar(
            float(size_bytes),
            accuracy,
            yerr=[[accuracy - low], [high - accuracy]],
            fmt=marker,
            color=colour,
            markerfacecolor=FACES[name] or colour,
            markersize=7,
            elinewidth=0.6,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(size_text))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    tidy(axes, "both")
    axes.set_ylabel("accuracy (test split)")


def _legend(made: pd.DataFrame) -> list[Line2D]:
    """Return an entry for each variant (colour and shape), then for each format (filling)."""
    variants = [
        Line2D([], [], ls="", color=colour, marker=marker, markersize=7, label=variant)
        for variant, (colour, marker) in STYLES.items()
        if variant in set(made["variant"])
    ]
    formats = [
        Line2D([], [], ls="", color="#555555", marker="o", markersize=7, mfc=face or "#555555", label=name)
        for name, face in FACES.items()
    ]
    return [*variants, Line2D([], [], ls="", label=""), *formats]


def _draw_matrix(axes: Axes, confusion: dict[str, dict[str, int]]) -> None:
    classes = list(confusion)
    counts = np.array([[confusion[true][said] for said in classes] for true in classes])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column, row, str(count), ha="center", va="center", color="white" if shares[row, column] > 0.5 else "k"
        )
    axes.set_xticks(range(len(classes)), classes, rotation=30, ha="right", fontsize=8)
    axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
