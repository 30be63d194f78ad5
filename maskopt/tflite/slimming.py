"""A .tflite file -> the same model in fewer bytes, above all after compression.

What is long in an int8 file beside its weights are 24 random bits of scale for each channel of a layer, as many again
for its bias, and the low bits of the bias itself, far below what the output can show. They are rounded, names go.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from maskopt.tflite.inspection import ABSENT, CHANNEL_AXES, Graph, Operator, parse_graph
from maskopt.tflite.invariants import layer_of
from maskopt.tflite.origin import ENTRY

MANTISSA_BITS = 7  # of scales and float biases, their leading 1 aside: within 0.8% and 0.4%
BIAS_PART = 1 / 8  # of the distance of two output values: biases need not be finer
ALIGNMENT = 16  # bytes, of the schema's buffers; the generated writer forgets it
HIGHEST = 127  # of int8 weights, which are symmetric

Floats = npt.NDArray[np.floating]


def slim(content: bytes, steps: Mapping[str, Floats], note: bytes = b"") -> bytes:
    """Return the file with rounded scales and biases, short names, and a note of ours in place of the converter's.

    Args:
        content: of a .tflite file.
        steps: layer -> distances of the levels that its weights are at, one for all channels or one for each: (1,) or
            (C,); they become its scales.
        note: metadata of the name `origin.ENTRY`.
    """
    graph = parse_graph(content)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bytearray(content), 0))
    (subgraph,) = model.subgraphs
    used = Counter(index for operator in graph.operators for index in operator.inputs)
    names = {index: graph.tensors[index].name for index in (*graph.inputs, *graph.outputs)}
    writer = _Writer(model, subgraph)
    for operator in graph.operators:
        weights = graph.weights(operator)
        if weights is None:
            continue
        layer = names[operator.inputs[1]] = layer_of(graph, operator)
        if weights.dtype == np.int8 and used[operator.inputs[1]] == 1:
            _rescale(graph, operator, writer, steps.get(layer))
    for index, tensor in enumerate(subgraph.tensors):
        tensor.name = names.get(index, "")
        tensor.shapeSignature = None
        if tensor.quantization is not None:
            tensor.quantization.min = tensor.quantization.max = None
    model.description = None
    model.metadata = [_note(model, note)] if note else None
    builder = _Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _note(model: Any, note: bytes) -> Any:
    model.buffers.append(schema.BufferT(data=np.frombuffer(note, np.uint8)))
    return schema.MetadataT(name=ENTRY, buffer=len(model.buffers) - 1)


class _Builder(flatbuffers.Builder):
    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:
        return super().StartVector(elemSize, numElems, ALIGNMENT if elemSize == 1 else alignment)


class _Writer:
    """Changes tensors of a model."""

    def __init__(self, model: Any, subgraph: Any) -> None:
        self.model = model
        self.subgraph = subgraph

    def set(self, index: int, values: npt.NDArray[Any], scales: Floats | None = None) -> None:
        """Give a tensor other values of the same type, and scales."""
        tensor = self.subgraph.tensors[index]
        self.model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
        if scales is not None:
            tensor.quantization.scale = scales.astype(np.float32)
            tensor.quantization.zeroPoint = np.zeros(scales.size, np.int64)


def _rescale(graph: Graph, operator: Operator, writer: _Writer, steps: Floats | None) -> None:
    """Write weights and bias of one operator on rounded scales, or on those that are its steps."""
    weights = graph.tensors[operator.inputs[1]]
    assert weights.values is not None
    shape = [1] * weights.values.ndim
    shape[CHANNEL_AXES[operator.kind]] = -1
    scales = round_up(weights.scales) if steps is None else steps.astype(np.float32)
    real = weights.values * weights.scales.reshape(shape).astype(np.float64)
    values = np.rint(real / scales.reshape(shape)).clip(-HIGHEST, HIGHEST)
    writer.set(operator.inputs[1], values.astype(np.int8), scales)
    index = operator.inputs[2] if len(operator.inputs) > 2 else ABSENT
    if index == ABSENT or (bias := graph.tensors[index]).values is None:
        return
    if bias.dtype == np.float32:
        writer.set(index, round_mantissa(bias.values))
    elif bias.dtype == np.int32:
        data, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        fine = (data.scales * scales).astype(np.float64)
        # Kernels multiply the scales of data and weights, whatever is written beside the bias.
        exact = bias.values * (data.scales * weights.scales).astype(np.float64) / fine
        coarse = 2.0 ** np.floor(np.log2(np.maximum(BIAS_PART * output.scales / fine, 1)))
        writer.set(index, (coarse * np.rint(exact / coarse)).astype(np.int32), round_mantissa(fine.astype(np.float32)))


def round_mantissa(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the nearest values of `MANTISSA_BITS`."""
    return _rounded(values, np.rint)


def round_up(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the next larger values of `MANTISSA_BITS`: on such a scale, no weight is cut off."""
    return _rounded(values, np.ceil)


def _rounded(values: npt.NDArray[np.float32], rounding: np.ufunc) -> npt.NDArray[np.float32]:
    mantissa, exponent = np.frexp(values)
    digits = MANTISSA_BITS + 1  # the leading 1 is not stored
    result: npt.NDArray[np.float32] = np.ldexp(rounding(np.ldexp(mantissa, digits)), exponent - digits)
    return result.astype(np.float32)
