"""What a search tried -> its front as a table, and all of it as a figure."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from maskopt.report.canvas import COLOURS, new_figure, tidy
from maskopt.report.figures import size_text


def list_front(tried: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates that none other beats in size, latency and accuracy, from small to large."""
    return tried[tried["front"].astype(bool)].sort_values("gzip_bytes", ignore_index=True)


def lay_out_front(front: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per candidate."""
    return pd.DataFrame(
        {
            "experiment": front["experiment"],
            "network": front["network"],
            "width": [f"{width:g}" for width in front["width"]],
            "depth": front["depth"].astype(str),
            "px": front["size_px"].astype(str),
            "variant": front["variant"],
            "nats per bit": ["" if pd.isna(price) else f"{price:.2g}" for price in front["nats_per_bit"]],
            "accuracy (validation)": [f"{part:.2%}" for part in front["val_accuracy"]],
            "gzip bytes": [f"{count:,}" for count in front["gzip_bytes"]],
            "MACs": [f"{count:,}" for count in front["macs"]],
            "median ms": [f"{ms:.2f}" for ms in front["median_ms"]],
        }
    )


def draw_search(tried: pd.DataFrame) -> Figure:
    """Return gzipped bytes against accuracy in validation, a colour per network; the front is filled."""
    figure = new_figure(9, 4)
    axes = figure.subplots()
    for colour, (network, rows) in zip(COLOURS, tried.groupby("network", sort=False), strict=False):
        for is_front, each in rows.groupby("front"):
            face, label = (colour, str(network)) if is_front else ("white", None)
            axes.scatter(each["gzip_bytes"], each["val_accuracy"], color=colour, facecolor=face, label=label)
        if not rows["front"].any():
            axes.scatter([], [], color=colour, facecolor="white", label=str(network))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(size_text))
    axes.xaxis.set_minor_formatter(FuncFormatter(size_text))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    tidy(axes, "both")
    axes.set_xlabel("gzipped size")
    axes.set_ylabel("accuracy (validation)")
    axes.set_title("What the search tried; filled: on the front of size, latency and accuracy", loc="left")
    axes.legend(frameon=False)
    return figure
