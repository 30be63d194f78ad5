"""The models of a run -> the best of them."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from maskopt import paths
from maskopt.bundle import micro
from maskopt.bundle.description import best
from maskopt.errors import MaskoptError, NoBundle
from maskopt.files import read_record
from maskopt.params import Params
from maskopt.tflite.origin import read_origin
from maskopt.tflite.variants import VARIANTS

Figures = Mapping[str, Any]  # of one model file, as `measured` writes them


def best_model(params: Params) -> tuple[str, Figures]:
    """Return backbone/variant of the best int8 model of the first seed, among those of the classes of params.

    Figures alone are no model: git keeps them, also where nothing was run yet.

    Raises:
        NoBundle: none is there and was measured.
    """
    classes, seed = params.data.classes, params.seeds[0]
    measured = {
        (backbone, variant): read_record(file)["formats"][micro.FORMAT]
        for backbone in params.backbones
        for variant, promise in VARIANTS.items()
        if micro.FORMAT in promise.formats and (file := paths.metrics(backbone, variant, seed)).is_file()
    }
    skipped: Counter[str] = Counter()
    while measured:
        chosen = best(measured)
        figures = measured.pop(chosen)
        reason = _why_skipped(paths.tflite(*chosen, seed, micro.FORMAT), figures, classes)
        if reason is None:
            return "/".join(chosen), figures
        skipped[reason] += 1
    raise NoBundle(paths.BUNDLES, classes, paths.METRICS, skipped)


def better_model(params: Params, than: Figures) -> str | None:
    """Return what `best_model` does, None where that is not better than what other figures are of."""
    try:
        name, figures = best_model(params)
    except (MaskoptError, OSError):  # no model is there, one is broken, or a run takes its files away at this moment
        return None
    return name if best({"than": than, name: figures}) == name else None


def are_of(figures: Figures, content: bytes) -> bool:
    """Tell whether figures are of this content of a file."""
    return bool(figures.get("sha256") == hashlib.sha256(content).hexdigest())


def _why_skipped(file: Path, figures: Figures, classes: Collection[str]) -> str | None:
    """Return why a model cannot be the best one, None if it can."""
    if not file.is_file():
        return f"without a file in {paths.MODELS}"
    if set((read_origin(file) or {}).get("classes", classes)) != set(classes):
        return "of other classes"
    if not are_of(figures, file.read_bytes()):
        return f"measured on another file than the one in {paths.MODELS}"
    return None
