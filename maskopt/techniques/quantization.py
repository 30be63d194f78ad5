"""Quantisation-aware training, 8 bits, keeping the zeros of pruning and the values of clustering where asked.

Source: Jacob et al. 2018, arXiv:1712.05877, section 3.
"""

import pandas as pd

from maskopt.networks.keras import as_written, cluster_utils, default_8bit_quantize_registry, keras, tfmot
from maskopt.networks.rebuilding import wrapped
from maskopt.params import Quantize
from maskopt.techniques import tfmot_mends
from maskopt.training.trainer import Trainer

_experimental = tfmot.experimental.combine

# Batch-norm directly after one of these is folded into it by the converter.
FOLDED_INTO = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Dense,
)

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
        if type(_before(layer)) in FOLDED_INTO:
            return None
        return "BatchNormalization that does not follow a convolution"
    if isinstance(layer, keras.layers.SeparableConv2D) or _REGISTRY.supports(layer):
        return None
    return f"tfmot does not quantise {type(layer).__name__}"


def quantize(
    model: keras.Model, trainer: Trainer, params: Quantize, preserve_sparsity: bool, preserve_clusters: bool
) -> tuple[keras.Model, pd.DataFrame]:
    """Return a copy of `model` trained with fake quantisation, ready to be converted, and its curves.

    Args:
        model: flat; not changed.
        trainer: pictures and settings.
        params: section `quantize`.
        preserve_sparsity: weights of `model` that are zero stay zero.
        preserve_clusters: each layer of `model` keeps its number of values.
    """
    tfmot_mends.apply()

    annotated = wrapped(model, tfmot.quantization.keras.quantize_annotate_layer, skip_reason)
    scheme = SCHEMES[preserve_sparsity, preserve_clusters]()
    quantized = as_written(tfmot.quantization.keras.quantize_apply)(annotated, scheme)
    curves = trainer.fit(quantized, params)
    return (cluster_utils.strip_clustering_cqat(quantized) if preserve_clusters else quantized), curves


_REGISTRY = default_8bit_quantize_registry.Default8BitQuantizeRegistry()


def _before(layer: keras.layers.Layer) -> keras.layers.Layer:
    inbound = layer.inbound_nodes[0].inbound_layers
    return inbound[0] if isinstance(inbound, list) else inbound
