"""A model or its file -> the layers with weights: which technique reached them, and why others did not."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from maskopt.networks.keras import keras, tf
from maskopt.networks.rebuilding import SkipReason
from maskopt.tflite.inspection import Graph
from maskopt.tflite.invariants import DYNAMIC_MIN_ELEMENTS, layer_of

COLUMNS = ["technique", "layer", "kind", "bytes", "reason"]
OF_KERNELS = ("pruned", "clustered")  # of the two of SeparableConv2D, tfmot reaches the pointwise one alone

Row = tuple[str, str, str, int, str | None]


def list_layers(model: keras.Model, techniques: Mapping[str, SkipReason]) -> pd.DataFrame:
    """Return a row per technique and layer with weights: technique, layer, kind, bytes, and reason if it was left out.

    A layer that a technique reaches in part has two rows.

    Args:
        model: flat, before wrapping.
        techniques: pruned, clustered or quantised -> why a layer is left out, or None if it is not.
    """
    rows = [
        row
        for technique, skip_reason in techniques.items()
        for layer in model.layers
        if layer.weights
        for row in _rows(technique, layer, skip_reason(layer))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def count_reached(layers: pd.DataFrame) -> int:
    """Return how many of `list_layers` were pruned or clustered."""
    return int(layers["layer"][layers["technique"].isin(OF_KERNELS) & layers["reason"].isna()].nunique())


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


def _rows(technique: str, layer: keras.layers.Layer, reason: str | None) -> Iterator[Row]:
    name, kind, size = layer.name, type(layer).__name__, _size_bytes(layer.weights)
    if reason is None and technique in OF_KERNELS and isinstance(layer, keras.layers.SeparableConv2D):
        left = _size_bytes([layer.depthwise_kernel])
        yield technique, name, kind, size - left, None
        yield technique, name, kind, left, f"of SeparableConv2D the pointwise kernel alone is {technique}"
    else:
        yield technique, name, kind, size, reason


def _size_bytes(weights: Sequence[tf.Variable]) -> int:
    return sum(math.prod(weight.shape) * weight.dtype.size for weight in weights)
