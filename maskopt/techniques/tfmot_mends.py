"""Every mend of tfmot 0.8, with the issue it answers, and nothing else.

`apply()` puts them in place for the process; each has a test in tests/unit/test_tfmot_mends.py.
"""

import copy
from typing import Any

from maskopt.networks.keras import cluster_preserve_quantize_registry as cluster_preserve
from maskopt.networks.keras import default_8bit_quantize_layout_transform as default_layout
from maskopt.networks.keras import default_8bit_quantize_scheme as default_scheme
from maskopt.networks.keras import keras, quant_ops, quantizers, tf

RANGE_DECAY = 0.95  # of the moving average of activation ranges, per step


def apply() -> None:
    """Put every mend in place; calling it again changes nothing."""
    cluster_preserve.get_centroids = _centroids_of_the_tensor
    cluster_preserve.ClusterPreserveQuantizeRegistry.apply_cluster_preserve_quantize_config = _with_own_quantizer
    default_scheme.Default8BitQuantizeScheme.get_layout_transformer = _layout_with_registry
    quantizers.MovingAverageQuantizer.__call__ = _with_ranges_that_settle


def _centroids_of_the_tensor(layer: Any, weight: tf.Tensor, data_format: str) -> tuple[Any, ...]:  # noqa: ARG001
    """Take every layer as clustered per tensor.

    tfmot guesses "per channel" for any convolution whose channels have nearly equal numbers of values, loops over
    the channels in Python (one step of MobileNetV2 takes over 10 minutes) and lets clusters drift apart; it is also
    what zeroes 1 x 1 kernels: each channel's smallest centroid is set to zero (tfmot issue 979).
    """
    centroids, index = cluster_preserve.get_unique(weight)
    return centroids, tf.size(centroids), index, False


_apply_shared = cluster_preserve.ClusterPreserveQuantizeRegistry.apply_cluster_preserve_quantize_config


def _with_own_quantizer(registry: Any, layer: Any, quantize_config: Any) -> Any:
    """Give each layer a quantiser of its own.

    tfmot shares one among all layers of a kind, and the first layer without zeros turns `preserve_sparsity` off for
    all that follow: PCQAT loses the zeros of pruning (tfmot issue 1056 reports the like for clusters).
    """
    config = _apply_shared(registry, layer, quantize_config)
    if hasattr(config, "weight_quantizer"):
        config.weight_quantizer = copy.copy(config.weight_quantizer)
    return config


def _layout_with_registry(scheme: default_scheme.Default8BitQuantizeScheme) -> "_Layout":
    return _Layout(scheme.get_quantize_registry())


class _Layout(default_layout.Default8BitQuantizeLayoutTransform):  # type: ignore[misc]  # tfmot has no types
    """Let layers before a Concatenate keep zeros and clusters as all others do.

    tfmot's ConcatTransform turns their output quantisation off, and to do so gives them the config of plain QAT,
    whatever the scheme: NASNetMobile's adjusting convolutions lose their zeros in PQAT (no issue is known).
    """

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    def apply(self, model: keras.Model, layer_quantize_map: dict[str, Any]) -> tuple[keras.Model, dict[str, Any]]:
        model, metadata = super().apply(model, layer_quantize_map)
        for layer in model.layers:
            config = metadata.get(layer.name, {}).get("quantize_config")
            if getattr(config, "weight_attrs", None):
                metadata[layer.name]["quantize_config"] = own = self._registry.get_quantize_config(layer)
                own.get_output_quantizers = config.get_output_quantizers
        return model, metadata


def _with_ranges_that_settle(
    quantizer: quantizers.MovingAverageQuantizer, inputs: tf.Tensor, training: bool, weights: dict[str, Any], **_: Any
) -> tf.Tensor:
    """Follow activation ranges fast enough for a run of hundreds of steps.

    tfmot starts each range at -6..6 and forgets 0.1% a step: after 300 steps a ReLU6 still spends a third of its
    levels on negative numbers, which never come (accuracy lost after conversion: tensorflow issue 59684).
    """
    return quant_ops.MovingAvgQuantize(
        inputs,
        weights["min_var"],
        weights["max_var"],
        ema_decay=RANGE_DECAY,
        is_training=training,
        num_bits=quantizer.num_bits,
        per_channel=quantizer.per_axis,
        symmetric=quantizer.symmetric,
        narrow_range=quantizer.narrow_range,
    )
