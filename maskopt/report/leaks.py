"""Look-alikes one of which is tested, while the other one is trained with -> table and thumbnails.

Shape legend: N pairs, H height px, W width px.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from maskopt.report.thumbnails import MOST, PER_ROW, Pictures, draw_thumbnails

MOST_PAIRS = MOST // 2  # that the page shows
GAP_PX = 2


def lay_out_leaks(leaks: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per pair, of the first ones."""
    shown = leaks.head(MOST_PAIRS)
    return pd.DataFrame(
        {"picture": shown["path"], "look-alike": shown["other"], "likeness": shown["kind"], "parted": _parted(shown)}
    )


def draw_leaks(leaks: pd.DataFrame, pictures: Pictures, others: Pictures) -> Figure:
    """Return both pictures of each pair side by side, with paths, from twice (N, H, W, 3) of the same rows."""
    n, height, _, channels = pictures.shape
    gap = np.full((n, height, GAP_PX, channels), 255, np.uint8)
    pairs = np.concatenate([pictures, gap, others], axis=2)
    captions = [
        f"{row['path']}\n{row['other']}\n{row['kind']}, {parted}"
        for row, parted in zip(leaks.to_dict("records"), _parted(leaks), strict=True)
    ]
    return draw_thumbnails(pairs, captions, "Look-alikes on both sides of a split", PER_ROW // 2)


def _parted(leaks: pd.DataFrame) -> list[str]:
    return ["in this split" if here else "by chance" for here in leaks["here"]]
