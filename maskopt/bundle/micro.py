"""A model for LiteRT Micro: the operators it must register, the arena it needs, and the file as a C array."""

from collections.abc import Iterator
from math import ceil

from maskopt.costs import measure_peak_activation_bytes
from maskopt.inspection import CHANNEL_AXES, Graph

# Operator of the file -> the method of MicroMutableOpResolver that registers it.
METHODS = {
    "ADD": "AddAdd",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "DEQUANTIZE": "AddDequantize",
    "FULLY_CONNECTED": "AddFullyConnected",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MUL": "AddMul",
    "PAD": "AddPad",
    "QUANTIZE": "AddQuantize",
    "RESHAPE": "AddReshape",
    "SOFTMAX": "AddSoftmax",
    "SUB": "AddSub",
}

# Bytes on a 64-bit machine; fewer where pointers have 4 bytes.
TENSOR_BYTES = 24  # TfLiteEvalTensor
NODE_BYTES = 64  # NodeAndRegistration
CHANNEL_BYTES = 8  # multiplier and shift
OPERATOR_BYTES = 96  # what kernels keep of an operator, 73 to 75 on average, and alignment
ALLOCATOR_BYTES = 1536
ROUND_BYTES = 1024

BYTES_PER_LINE = 16


def arena_bytes(graph: Graph) -> int:
    """Return how large an arena surely suffices: activations, and what LiteRT Micro keeps of tensors and operators.

    Source: the structs of tflite-micro, checked against its recording allocator, see docs/results/micro.md.
    """
    channels = sum(
        graph.tensors[operator.outputs[0]].shape[-1] for operator in graph.operators if operator.kind in CHANNEL_AXES
    )
    kept = (
        len(graph.tensors) * TENSOR_BYTES
        + len(graph.operators) * (NODE_BYTES + OPERATOR_BYTES)
        + channels * CHANNEL_BYTES
        + ALLOCATOR_BYTES
    )
    return ROUND_BYTES * ceil((measure_peak_activation_bytes(graph) + kept) / ROUND_BYTES)


def list_operators(graph: Graph) -> tuple[str, ...]:
    """Return the kinds of operators, sorted."""
    return tuple(sorted({operator.kind for operator in graph.operators}))


def write_header(name: str, size_bytes: int, classes: tuple[str, ...], operators: tuple[str, ...], arena: int) -> str:
    """Return model.h: the array's name and size, the labels, the arena, and what registers the operators."""
    labels = ", ".join(f'"{_escaped(label)}"' for label in classes)
    registered = "\n".join(f"  resolver.{METHODS[kind]}();" for kind in operators)
    return f"""\
// {name}, for LiteRT Micro.
#ifndef MASKOPT_MODEL_H_
#define MASKOPT_MODEL_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

extern const unsigned char kModel[];
constexpr unsigned int kModelBytes = {size_bytes};

constexpr int kClasses = {len(classes)};
constexpr const char* kLabels[kClasses] = {{{labels}}};

constexpr int kArenaBytes = {arena};  // enough on 64-bit machines; others need less

constexpr int kOperators = {len(operators)};
inline void RegisterOperators(tflite::MicroMutableOpResolver<kOperators>& resolver) {{
{registered}
}}

#endif  // MASKOPT_MODEL_H_
"""


def write_array(content: bytes) -> Iterator[str]:
    """Yield the lines of model.cc: the file as an array that a linker can leave in flash memory."""
    yield '#include "model.h"'
    yield ""
    yield "alignas(16) const unsigned char kModel[] = {"
    for start in range(0, len(content), BYTES_PER_LINE):
        yield "  " + " ".join(f"0x{byte:02x}," for byte in content[start : start + BYTES_PER_LINE])
    yield "};"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"')
