"""Quantisation-aware training, 8 bits, keeping the zeros of pruning and the values of clustering where asked.

Source: Jacob et al. 2018, arXiv:1712.05877, section 3.
"""

import pandas as pd
from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import cluster_utils
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_quantize_registry

from maskopt import tfmot_mends
from maskopt.backbones import Preprocessing
from maskopt.keras import keras, tfmot
from maskopt.params import Quantize, Training
from maskopt.rebuilding import wrapped_copy
from maskopt.training import Pictures, fit

_experimental = tfmot.experimental.combine

# (preserve zeros, preserve clusters) -> scheme
SCHEMES = {
    (False, False): tfmot.quantization.keras.default_8bit.Default8BitQuantizeScheme,
    (True, False): _experimental.Default8BitPrunePreserveQuantizeScheme,
    (False, True): lambda: _experimental.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=False),
    (True, True): lambda: _experimental.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=True),
}


def skip_reason(layer: keras.layers.Layer) -> str | None:
    """Return why this layer stays float while training, or None if it is quantised."""
    if isinstance(layer, keras.layers.BatchNormalization):
        if isinstance(_before(layer), (keras.layers.Conv2D, keras.layers.SeparableConv2D, keras.layers.Dense)):
            return None
        return "BatchNormalization that does not follow a convolution"
    if isinstance(layer, keras.layers.SeparableConv2D) or _REGISTRY.supports(layer):
        return None
    return f"tfmot does not quantise {type(layer).__name__}"


def quantize(
    model: keras.Model,
    train: Pictures,
    val: Pictures,
    preprocessing: Preprocessing,
    params: Quantize,
    training: Training,
    seed: int,
    preserve_sparsity: bool,
    preserve_clusters: bool,
) -> tuple[keras.Model, pd.DataFrame]:
    """Return a copy of `model` trained with fake quantisation, ready to be converted, and its curves.

    Args:
        preserve_sparsity: weights of `model` that are zero stay zero.
        preserve_clusters: each layer of `model` keeps its number of values.
    """
    tfmot_mends.apply()

    def annotate(layer: keras.layers.Layer) -> keras.layers.Layer:
        return layer if skip_reason(layer) else tfmot.quantization.keras.quantize_annotate_layer(layer)

    scheme = SCHEMES[preserve_sparsity, preserve_clusters]()
    wrapped = tfmot.quantization.keras.quantize_apply(wrapped_copy(model, annotate), scheme)
    curves = fit(wrapped, train, val, preprocessing, params, training, seed)
    return (cluster_utils.strip_clustering_cqat(wrapped) if preserve_clusters else wrapped), curves


_REGISTRY = default_8bit_quantize_registry.Default8BitQuantizeRegistry()


def _before(layer: keras.layers.Layer) -> keras.layers.Layer:
    inbound = layer.inbound_nodes[0].inbound_layers
    return inbound[0] if isinstance(inbound, list) else inbound
