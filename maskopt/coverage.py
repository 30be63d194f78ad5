"""A model -> its layers with weights: which technique reached them, and why others did not."""

import math
from collections.abc import Mapping

import pandas as pd

from maskopt.keras import keras
from maskopt.rebuilding import SkipReason


def list_layers(model: keras.Model, techniques: Mapping[str, SkipReason]) -> pd.DataFrame:
    """Return a row per technique and layer with weights: technique, layer, kind, bytes, and reason if it was left out.

    Args:
        model: flat, before wrapping.
        techniques: pruned, clustered or quantised -> why a layer is left out, or None if it is not.
    """
    rows = [
        (technique, layer.name, type(layer).__name__, _size_bytes(layer), skip_reason(layer))
        for technique, skip_reason in techniques.items()
        for layer in model.layers
        if layer.weights
    ]
    return pd.DataFrame(rows, columns=["technique", "layer", "kind", "bytes", "reason"])


def _size_bytes(layer: keras.layers.Layer) -> int:
    return sum(math.prod(weight.shape) * weight.dtype.size for weight in layer.weights)
