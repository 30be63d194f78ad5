"""A model for LiteRT Micro: its operators, its arena, the file as a C array, and what firmware checks itself with."""

from collections.abc import Iterator
from math import ceil

import numpy as np
import numpy.typing as npt

from maskopt.measuring.costs import measure_peak_activation_bytes
from maskopt.tflite.inspection import CHANNEL_AXES, Graph

FILES = ("model.h", "model.cc", "test_vector.h")
FORMAT = "int8"  # of the files that are made for LiteRT Micro: others would need floats
TOLERANCE_STEPS = 4  # that answers of LiteRT Micro differ from LiteRT's at most, see docs/results/micro.md

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


def why_not(file_format: str, operators: tuple[str, ...]) -> str | None:
    """Return why a file is not made ready for LiteRT Micro, None where it is."""
    if file_format != FORMAT:
        return f"the format is {file_format}, and LiteRT Micro gets {FORMAT} alone"
    if unknown := sorted(set(operators) - METHODS.keys()):
        return f"maskopt registers no operator {', '.join(unknown)} with LiteRT Micro"
    return None


def list_operators(graph: Graph) -> tuple[str, ...]:
    """Return the kinds of operators, sorted."""
    return tuple(sorted({operator.kind for operator in graph.operators}))


def sure_from(unsure_below: float, scale: float, zero_point: int) -> int:
    """Return the least output byte that is a probability of `unsure_below` or more; 256 where no byte is."""
    scores = (np.arange(256, dtype=np.float32) - zero_point) * np.float32(scale)  # as in Python
    return int(np.searchsorted(scores, unsure_below))


def write_header(
    name: str, size_bytes: int, classes: tuple[str, ...], operators: tuple[str, ...], *, arena: int, sure: int
) -> str:
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
constexpr int kSureFrom = {sure};  // the likeliest class is the answer if its byte is this or more, else unsure

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
    yield from _bytes(content)


def write_test(picture: npt.NDArray[np.uint8], output: npt.NDArray[np.uint8]) -> Iterator[str]:
    """Yield the lines of test_vector.h: a picture, the answer that is right, and what compares another with it.

    Args:
        picture: (H, W, 3).
        output: (K,), as the model gives it.
    """
    yield "// A picture of noise and the model's answer to it: include this in the one file that checks it."
    yield "#ifndef MASKOPT_TEST_VECTOR_H_"
    yield "#define MASKOPT_TEST_VECTOR_H_"
    yield ""
    yield f"constexpr int kTestTolerance = {TOLERANCE_STEPS};  // steps by which kernels of LiteRT Micro may differ"
    yield f"constexpr unsigned int kTestInputBytes = {picture.size};"
    yield f"constexpr unsigned int kTestOutputBytes = {output.size};"
    yield ""
    yield "const unsigned char kTestInput[] = {"
    yield from _bytes(picture.tobytes())
    yield ""
    yield "const unsigned char kTestOutput[] = {"
    yield from _bytes(output.tobytes())
    yield ""
    yield "// Whether the bytes that the model gave for kTestInput are right."
    yield "inline bool IsTestOutput(const unsigned char* output) {"
    yield "  for (unsigned int i = 0; i < kTestOutputBytes; i++) {"
    yield "    const int apart = int(output[i]) - int(kTestOutput[i]);"
    yield "    if (apart > kTestTolerance || -apart > kTestTolerance) return false;"
    yield "  }"
    yield "  return true;"
    yield "}"
    yield ""
    yield "#endif  // MASKOPT_TEST_VECTOR_H_"


def _bytes(content: bytes) -> Iterator[str]:
    """Yield the lines of an array after its first."""
    for start in range(0, len(content), BYTES_PER_LINE):
        yield "  " + " ".join(f"0x{byte:02x}," for byte in content[start : start + BYTES_PER_LINE])
    yield "};"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"')
