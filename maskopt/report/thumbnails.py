"""Pictures and what is said of them -> a figure of small ones.

Shape legend: N pictures, H height px, W width px.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from maskopt.report.canvas import hide_unused, new_figure

Pictures = npt.NDArray[np.uint8]

PER_ROW = 6
MOST = 60  # of one figure: the page of HTML holds it and is to be sent


def draw_thumbnails(pictures: Pictures, captions: Sequence[str], title: str, per_row: int = PER_ROW) -> Figure:
    """Return N pictures, (N, H, W, 3), each below its caption."""
    n_rows = -(-len(pictures) // per_row)
    figure = new_figure(10, 0.6 + 2.1 * n_rows)
    figure.suptitle(title, fontweight="bold")
    panels = list(figure.subplots(n_rows, per_row, squeeze=False).flat)
    hide_unused(panels, len(pictures))
    for axes, picture, caption in zip(panels, pictures, captions, strict=False):
        axes.imshow(picture)
        axes.set_axis_off()
        axes.set_title(caption, fontsize=7)
    return figure
