"""What all figures share: colours that colour-blind readers can tell apart, sizes, bytes that repeat."""

from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Source: Okabe & Ito 2008, https://jfly.uni-koeln.de/color/, without the yellow, which is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
TRAIN, VALIDATION = COLOURS[0], COLOURS[1]
GRID = "#DDDDDD"

mpl.rcParams["text.parse_math"] = False  # names of files and classes may hold $


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure on a white ground."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def tidy(axes: Axes, grid_axis: Literal["both", "x", "y"]) -> None:
    """Draw a light grid behind the data instead of a frame around it."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid_axis, color=GRID)
    axes.set_axisbelow(True)


def hide_unused(panels: list[Axes], used: int) -> None:
    """Remove the panels of a grid that nothing was drawn into."""
    for panel in panels[used:]:
        panel.remove()


def save(figure: Figure, path: Path) -> None:
    """Write a PNG or JPEG; the same figure gives the same bytes, so neither date nor version goes in."""
    figure.savefig(path, dpi=150, metadata={"Software": None} if path.suffix == ".png" else None)
