"""Train, compress and measure small image classifiers; use them with `load`, which needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskopt.bundle.classifier import Bundle


def load(folder: str | Path, threads: int = 1) -> Bundle:
    """Return an opened bundle: `maskopt.load("bundles/x").classify("face.jpg").text`.

    Args:
        folder: that `maskopt bundle` wrote.
        threads: of one inference.

    Raises:
        MissingFile: it is no bundle.
        BrokenBundle: one of its files was changed.
    """
    from maskopt.bundle.classifier import Bundle  # noqa: PLC0415  the rest of the package needs none of it

    return Bundle(Path(folder), threads)
