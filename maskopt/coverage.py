"""A model or its file -> the layers with weights: which technique reached them, and why others did not."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from maskopt.inspection import Graph
from maskopt.invariants import DYNAMIC_MIN_ELEMENTS, layer_of
from maskopt.keras import keras
from maskopt.rebuilding import SkipReason

COLUMNS = ["technique", "layer", "kind", "bytes", "reason"]


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
    return pd.DataFrame(rows, columns=COLUMNS)


def list_dynamic_range(graph: Graph) -> pd.DataFrame:
    """Return the same for quantisation after training to dynamic range, which is seen in the file alone.

    Args:
        graph: of a dynamic file; it has no batch-norm, which conversion folds into the layer before it.
    """
    rows = [
        (
            "dynamic range",
            layer_of(graph, operator),
            operator.kind,
            4 * math.prod(weights.shape),  # as float32
            f"fewer than {DYNAMIC_MIN_ELEMENTS:,} weights stay float32" if weights.dtype == np.float32 else None,
        )
        for operator in graph.operators
        if (weights := graph.weights(operator))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _size_bytes(layer: keras.layers.Layer) -> int:
    return sum(math.prod(weight.shape) * weight.dtype.size for weight in layer.weights)
