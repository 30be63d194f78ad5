"""A .tflite file -> its tensors and operators, read from the flatbuffer without an interpreter."""

import math
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from maskopt.errors import MissingFile, NotAModel

# Operators with weights (their second input) -> the axis of the weights that counts output channels.
CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
ABSENT = -1  # index of an optional input that is not there
MOST_PARTS = 100_000  # tensors, operators, their inputs and outputs together; the largest network here has 3,000

_MAGIC = b"TFL3"  # bytes 4 to 7
_DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.FLOAT16: np.dtype(np.float16),
    schema.TensorType.INT8: np.dtype(np.int8),
    schema.TensorType.UINT8: np.dtype(np.uint8),
    schema.TensorType.INT16: np.dtype(np.int16),
    schema.TensorType.INT32: np.dtype(np.int32),
    schema.TensorType.INT64: np.dtype(np.int64),
    schema.TensorType.BOOL: np.dtype(np.bool_),
}
_KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
# What the generated reader raises on bytes that are cut off or make no sense.
_BROKEN = (struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor at batch 1; `values` only where the file holds them."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    scales: npt.NDArray[np.float32]  # one, one per channel, or none
    zero_points: npt.NDArray[np.int64]
    values: npt.NDArray[Any] | None

    @property
    def size_bytes(self) -> int:
        """Bytes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Operator:
    """One step; its tensors are indices into those of the graph."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """What one .tflite file computes; operators in the order they run."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def weights(self, operator: Operator) -> Tensor | None:
        """Return the constant weights of an operator, None where it has none."""
        if operator.kind not in CHANNEL_AXES:
            return None
        tensor = self.tensors[operator.inputs[1]]
        return tensor if tensor.values is not None else None


def read_graph(path: Path) -> Graph:
    """Return the graph of a file.

    Raises:
        MissingFile: there is no `path`.
        NotAModel: it cannot be read as .tflite.
    """
    with reading(path) as content:
        return parse_graph(content)


@contextmanager
def reading(path: Path) -> Iterator[bytes]:
    """Yield the content of a file, and take what the reader raises on broken ones for the user's error.

    Raises:
        MissingFile: there is no `path`.
        NotAModel: it cannot be read as .tflite.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingFile(path, "run `dvc repro`") from None
    try:
        yield content
    except _BROKEN as err:
        raise NotAModel(path, str(err)) from err


def parse_graph(content: bytes) -> Graph:
    """Return the graph of a file's content; a ValueError or another of the reader's errors if it is broken."""
    model = _root(content)
    subgraph = model.Subgraphs(0)
    tensors = _list("tensors", subgraph.TensorsLength(), subgraph.Tensors)
    operators = _list("operators", subgraph.OperatorsLength(), subgraph.Operators)
    _refuse_repeats(content, (len(each.Name()) + 4 * each.ShapeLength() for each in tensors))
    _refuse_repeats(content, (4 * (each.InputsLength() + each.OutputsLength()) for each in operators))
    ends = sum(each.InputsLength() + each.OutputsLength() for each in (subgraph, *operators))
    _refuse_many("inputs and outputs", ends)
    return Graph(
        tensors=tuple(_tensor(model, each) for each in tensors),
        operators=tuple(_operator(model, each) for each in operators),
        inputs=_indices(subgraph.InputsAsNumpy()),
        outputs=_indices(subgraph.OutputsAsNumpy()),
    )


def parse_metadata(content: bytes) -> dict[str, bytes]:
    """Return the notes that a file carries, by name; errors as of `parse_graph`."""
    model = _root(content)
    entries = _list("notes", model.MetadataLength(), model.Metadata)
    buffers = [model.Buffers(entry.Buffer()) for entry in entries]
    noted = list(zip(entries, buffers, strict=True))
    _refuse_repeats(content, (len(entry.Name()) + buffer.DataLength() for entry, buffer in noted))
    return {
        entry.Name().decode(): bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b"" for entry, buffer in noted
    }


def _list(what: str, count: int, get: Callable[[int], Any]) -> list[Any]:
    _refuse_many(what, count)
    return [get(i) for i in range(count)]


def _refuse_many(what: str, count: int) -> None:
    if count > MOST_PARTS:
        raise ValueError(f"it has {count:,} {what}, want at most {MOST_PARTS:,}")


def _refuse_repeats(content: bytes, sizes_bytes: Iterable[int]) -> None:
    """Raise a ValueError if parts of a file that are read one by one have more bytes than the file."""
    if any(total > len(content) for total in accumulate(sizes_bytes)):
        raise ValueError("it says the same bytes again and again, as no converter does")


def _root(content: bytes) -> Any:
    if content[4:8] != _MAGIC:
        raise ValueError(f"its bytes 4 to 7 are {content[4:8]!r} instead of {_MAGIC!r}")
    return schema.Model.GetRootAs(content, 0)


def _tensor(model: Any, raw: Any) -> Tensor:
    if raw.Type() not in _DTYPES:
        raise ValueError(f"tensor {raw.Name()[:100]!r} has type {raw.Type()}, which is not read here")
    dtype = _DTYPES[raw.Type()]
    shape = tuple(int(side) for side in raw.ShapeAsNumpy()) if raw.ShapeLength() else ()
    buffer = model.Buffers(raw.Buffer())
    values = None
    if buffer.DataLength():
        values = buffer.DataAsNumpy().view(dtype).reshape(shape)
    quantization = raw.Quantization()
    return Tensor(
        name=raw.Name().decode(),
        dtype=dtype,
        shape=shape,
        scales=_vector(quantization, "Scale", np.float32),
        zero_points=_vector(quantization, "ZeroPoint", np.int64),
        values=values,
    )


def _operator(model: Any, raw: Any) -> Operator:
    code = model.OperatorCodes(raw.OpcodeIndex())
    kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # newer and older field for the same thing
    return Operator(_KINDS[kind], _indices(raw.InputsAsNumpy()), _indices(raw.OutputsAsNumpy()))


def _indices(vector: Any) -> tuple[int, ...]:
    return tuple(int(index) for index in np.atleast_1d(vector))


def _vector(quantization: Any, name: str, dtype: Any) -> npt.NDArray[Any]:
    """Read a vector that may be absent, which the generated reader gives as 0."""
    if quantization is None or not getattr(quantization, f"{name}Length")():
        return np.zeros(0, dtype)
    return np.asarray(getattr(quantization, f"{name}AsNumpy")(), dtype)
