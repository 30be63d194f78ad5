"""A .tflite graph -> zeros and values of each kernel, held against what its variant and format promise."""

import re
from dataclasses import dataclass

import numpy as np

from maskopt.errors import LostTechnique
from maskopt.tflite.inspection import ABSENT, CHANNEL_AXES, Graph, Operator, Tensor
from maskopt.tflite.variants import Variant

# Pruning and clustering leave depthwise kernels alone.
KINDS = ("CONV_2D", "FULLY_CONNECTED")
PREPROCESSING_SHAPE = (3, 1, 1, 3)  # the 1 x 1 convolution that conversion puts before the network
DYNAMIC_MIN_ELEMENTS = 1024  # dynamic range leaves smaller tensors in float32
_LAYER = re.compile(r"([^/;]+)/(?:Conv2D|MatMul|separable_conv2d|depthwise)")


@dataclass(frozen=True)
class Kernel:
    """What the file holds of one weight tensor."""

    layer: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    weights: int
    zeros: int
    values: int  # different ones in the whole tensor
    values_per_channel: int  # different ones in one output channel, at most
    scales: int

    @property
    def sparsity(self) -> float:
        """Fraction of weights that are exactly zero."""
        return self.zeros / self.weights


def list_kernels(graph: Graph) -> list[Kernel]:
    """Return the weight tensors that pruning and clustering are about, in the order they are used."""
    pairs = ((operator, graph.weights(operator)) for operator in graph.operators if operator.kind in KINDS)
    return [
        _kernel(graph, operator, weights)
        for operator, weights in pairs
        if weights and weights.shape != PREPROCESSING_SHAPE
    ]


def check(
    graph: Graph, variant: Variant, file_format: str, final_sparsity: float, n_clusters: int, n_reached: int = 0
) -> list[Kernel]:
    """Return the kernels of a file, after every promise of its variant and format was found kept.

    Args:
        graph: of the file.
        variant: what it promises.
        file_format: of `variants.Format`.
        final_sparsity: of each kernel of a sparse variant, at least.
        n_clusters: values of each channel of a clustered variant, at most.
        n_reached: layers that were pruned or clustered: as many kernels must be seen.

    Bounds: pruning rounds to whole weights, so one weight below `final_sparsity` passes; int8 only adds
    zeros. Folding batch-norm and int8 scales multiply a whole channel, and rounding only merges values,
    so a channel keeps at most `n_clusters`; zero is one of them, since pruned weights share a centroid.

    Raises:
        LostTechnique: a promise is broken.
    """
    kernels = list_kernels(graph)
    if len(kernels) < n_reached:
        got = f"{len(kernels)}: {', '.join(kernel.layer for kernel in kernels)}"
        raise LostTechnique("a pruned or clustered layer", file_format, "unknown", f"{n_reached} kernels", got)
    for kernel in kernels:
        if variant.sparse:
            _check_sparsity(kernel, file_format, final_sparsity)
        if variant.clustered:
            _check_clusters(kernel, file_format, n_clusters)
        if variant.coded and kernel.dtype == "int8" and kernel.scales != 1:
            raise LostTechnique("coding", file_format, kernel.layer, "one scale for all channels", f"{kernel.scales}")
    if file_format == "dynamic":
        _check_dynamic(graph)
    if file_format == "int8":
        _check_integers(graph)
        _check_bytes_in_and_out(graph)
    return kernels


def _check_sparsity(kernel: Kernel, file_format: str, final_sparsity: float) -> None:
    if kernel.zeros + 1 < final_sparsity * kernel.weights:
        want = f"a sparsity of at least {final_sparsity:g}"
        got = f"{kernel.sparsity:.4f} ({kernel.zeros:,} of {kernel.weights:,} weights are zero)"
        raise LostTechnique("pruning", file_format, kernel.layer, want, got)


def _check_clusters(kernel: Kernel, file_format: str, n_clusters: int) -> None:
    if kernel.values_per_channel > n_clusters:
        want = f"at most {n_clusters} values per output channel"
        raise LostTechnique("clustering", file_format, kernel.layer, want, f"{kernel.values_per_channel}")


def _check_dynamic(graph: Graph) -> None:
    for operator in graph.operators:
        weights = graph.weights(operator)
        if weights and weights.dtype != np.int8 and np.prod(weights.shape) >= DYNAMIC_MIN_ELEMENTS:
            raise LostTechnique(
                "quantisation", "dynamic", layer_of(graph, operator), "int8 weights", str(weights.dtype)
            )


def _check_integers(graph: Graph) -> None:
    for operator in graph.operators:
        for index in (*operator.inputs, *operator.outputs):
            dtype = graph.tensors[index].dtype
            if index != ABSENT and dtype.kind == "f":
                raise LostTechnique("quantisation", "int8", layer_of(graph, operator), "integers alone", str(dtype))


def _check_bytes_in_and_out(graph: Graph) -> None:
    """A picture's bytes go in as they are: on another scale the network would see other colours."""
    for end, indices in (("input", graph.inputs), ("output", graph.outputs)):
        dtype = graph.tensors[indices[0]].dtype
        if dtype != np.uint8:
            raise LostTechnique("quantisation", "int8", end, "uint8", str(dtype))
    pixels = graph.tensors[graph.inputs[0]]
    scale, zero_point = float(pixels.scales[0]), int(pixels.zero_points[0])
    if zero_point != 0 or abs(scale - 1) > 0.01:
        got = f"scale {scale:g} and zero point {zero_point}"
        raise LostTechnique("quantisation", "int8", "input", "scale 1 and zero point 0", got)


def _kernel(graph: Graph, operator: Operator, weights: Tensor) -> Kernel:
    assert weights.values is not None
    axis = CHANNEL_AXES[operator.kind]
    channels = np.moveaxis(weights.values, axis, 0).reshape(weights.shape[axis], -1)
    return Kernel(
        layer=layer_of(graph, operator),
        kind=operator.kind,
        shape=weights.shape,
        dtype=str(weights.dtype),
        weights=weights.values.size,
        zeros=int(np.count_nonzero(weights.values == 0)),
        values=np.unique(weights.values).size,
        values_per_channel=max(np.unique(channel).size for channel in channels),
        scales=weights.scales.size,
    )


def layer_of(graph: Graph, operator: Operator) -> str:
    """Return the Keras layer's name, which conversion hides in the names of the tensors around it."""
    if operator.kind in CHANNEL_AXES:
        weights, output = (graph.tensors[index] for index in (operator.inputs[1], operator.outputs[0]))
        if weights.shape == PREPROCESSING_SHAPE:
            return "preprocessing"
        if match := _LAYER.search(f"{weights.name};{output.name}"):
            return match[1].removeprefix("quant_")
        if weights.name:  # as `slimming` leaves it
            return weights.name
    return graph.tensors[operator.outputs[0]].name or operator.kind
