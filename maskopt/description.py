"""A .tflite file -> what it is, what it takes, and where it came from."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from maskopt import paths
from maskopt.errors import MaskoptError, MissingFile, NotAModel
from maskopt.measuring.measure import count_costs
from maskopt.measuring.sizes import pack
from maskopt.readable import MODEL_BYTES, refuse_unreadable
from maskopt.terminal import inline
from maskopt.tflite.inspection import Tensor, parse_graph, reading
from maskopt.tflite.origin import read_origin
from maskopt.tflite.variants import VARIANTS

Description = dict[str, Any]  # of JSON


def describe(path: Path) -> Description:
    """Return sizes, costs, operators, input, output, and the record of origin or None.

    Raises:
        MissingFile: there is no `path`.
        NotAModel: it is too large or cannot be read as .tflite, or its record is not one.
    """
    refuse_unreadable(path, MODEL_BYTES, NotAModel)
    if not path.exists():
        raise MissingFile(path, _next_step(path))
    with reading(path) as content:
        graph = parse_graph(content)
        facts = {
            "input": _end(graph.tensors[graph.inputs[0]]),
            "output": _end(graph.tensors[graph.outputs[0]]),
            **asdict(pack(content)),
            **asdict(count_costs(graph)),
            "operators": dict(Counter(operator.kind for operator in graph.operators).most_common()),
        }
    return facts | {"origin": read_origin(path)}


def lay_out(path: Path, description: Description) -> Iterator[str]:
    """Yield the lines that a terminal shows."""
    ends = {name: f"{tuple(end['shape'])} {end['dtype']}" for name, end in description.items() if name.endswith("put")}
    yield f"{inline(path)}: {ends['input']} -> {ends['output']}"
    for name in ("raw", "gzip", "brotli", "xz"):
        yield f"  {name} bytes: {description[f'{name}_bytes']:,}"
    yield f"  parameters: {description['parameters']:,}"
    yield f"  multiply-accumulates: {description['macs']:,}"
    yield f"  peak activation bytes: {description['peak_activation_bytes']:,}"
    yield "  operators: " + ", ".join(f"{count} {kind}" for kind, count in description["operators"].items())
    origin = description["origin"]
    if origin is None:
        yield "carries no record of where it came from"
        return
    yield "where it came from:"
    for name, value in origin.items():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            yield f"  {_inline(name)}:"
            yield from (f"    {_inline(each)}" for each in value)
        else:
            yield f"  {_inline(name)}: {_inline(value)}"


def _next_step(missing: Path) -> str:
    """Return how to come to a file, or to another one."""
    from maskopt.params import load_params  # noqa: PLC0415  takes half a second, not needed where the file is there

    try:
        params = load_params(paths.PARAMS)
    except MaskoptError:
        params = None  # elsewhere than in a repository
    for backbone, variant, seed in product(params.backbones, VARIANTS, params.seeds) if params else ():
        files = (paths.tflite(backbone, variant, seed, name) for name in VARIANTS[variant].formats)
        if missing.absolute() in map(Path.absolute, files):
            return f"run `dvc repro {variant}@{backbone}-{seed}`, which makes it"
    return f"no stage makes it with {paths.PARAMS} as it is: give the path of another .tflite file"


def _end(tensor: Tensor) -> Description:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype)}


def _inline(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{_inline(name)} {_inline(each)}" for name, each in value.items())
        case list():
            return ", ".join(map(_inline, value))
        case str():
            return value if value.isprintable() else ascii(value)  # the file may be anybody's: no terminal codes
        case _:
            return "none" if value is None else str(value)
