"""A .tflite file -> where its bytes are, and how few they can become."""

import gzip
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import brotli
import numpy as np
import numpy.typing as npt

from maskopt.tflite.inspection import ABSENT, CHANNEL_AXES, Graph, Tensor
from maskopt.tflite.invariants import layer_of

Kind = Literal["weights", "biases", "other"]

BITS_PER_BYTE = 8
SCALE_BYTES, ZERO_POINT_BYTES = 4, 8  # of one channel in the flatbuffer


@dataclass(frozen=True)
class Packed:
    """A file under the codecs of downloads and firmware, each at its best."""

    raw_bytes: int
    gzip_bytes: int
    brotli_bytes: int
    xz_bytes: int


@dataclass(frozen=True)
class Share:
    """What the bytes of a file, as it is, are for."""

    weight_bytes: int
    bias_bytes: int
    scale_bytes: int  # scales and zero points
    graph_bytes: int  # all the rest: names, shapes, operators, small constants, padding


@dataclass(frozen=True)
class Constant:
    """One tensor that the file holds."""

    layer: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    entropy_bytes: float  # fewest that a code of its single values can take


def pack(content: bytes) -> Packed:
    """Return the sizes of a file's content."""
    return Packed(
        raw_bytes=len(content),
        gzip_bytes=gzip_bytes(content),
        brotli_bytes=len(brotli.compress(content, quality=11)),
        xz_bytes=len(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)),
    )


def gzip_bytes(content: bytes) -> int:
    """Return the size of a file's content under gzip."""
    return len(gzip.compress(content, compresslevel=9, mtime=0))


def share(content: bytes, graph: Graph) -> Share:
    """Return what the bytes of a file are for, from its content and the graph in it."""
    constants = list_constants(graph)
    weights, biases = (sum(each.bytes for each in constants if each.kind == kind) for kind in ("weights", "biases"))
    scales = sum(SCALE_BYTES * t.scales.size + ZERO_POINT_BYTES * t.zero_points.size for t in graph.tensors)
    return Share(weights, biases, scales, len(content) - weights - biases - scales)


def list_constants(graph: Graph) -> list[Constant]:
    """Return the tensors that the file holds, in the order they are used; one that is used twice is held once."""
    return [
        Constant(layer, kind, str(tensor.dtype), tensor.shape, tensor.values.nbytes, entropy_bytes(tensor.values))
        for layer, kind, tensor in _held(graph)
        if tensor.values is not None
    ]


def entropy_bytes(values: npt.NDArray[np.generic]) -> float:
    """Return the bytes that an ideal code of single values takes, its table aside.

    Source: Shannon 1948, doi:10.1002/j.1538-7305.1948.tb01338.x, theorem 9.
    """
    counts = np.unique(values, return_counts=True)[1]
    return float(-(counts * np.log2(counts / values.size)).sum()) / BITS_PER_BYTE


def _held(graph: Graph) -> Iterator[tuple[str, Kind, Tensor]]:
    seen: set[int] = set()
    for operator in graph.operators:
        for position, index in enumerate(operator.inputs):
            if index == ABSENT or (values := graph.tensors[index].values) is None:
                continue
            if (address := values.__array_interface__["data"][0]) in seen:
                continue
            seen.add(address)
            kinds: tuple[Kind, ...] = ("other", "weights", "biases") if operator.kind in CHANNEL_AXES else ()
            kind: Kind = kinds[position] if position < len(kinds) else "other"
            yield layer_of(graph, operator), kind, graph.tensors[index]
