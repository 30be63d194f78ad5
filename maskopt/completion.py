"""What is typed so far -> names that may be meant, for the shell.

Nothing is offered where params cannot be used: a shell that waits for words is no place for errors.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from maskopt import paths
from maskopt.errors import MaskoptError


def complete_profile(typed: str) -> list[str]:
    """Return profiles."""
    return _beginning(typed, (path.stem for path in paths.PROFILES.glob("*.yaml")))


def complete_model(typed: str) -> list[str]:
    """Return backbone/variant of the models of the first seed that are there."""
    from maskopt.params import load_params  # noqa: PLC0415  takes half a second, not needed for other words
    from maskopt.tflite.variants import VARIANTS  # noqa: PLC0415

    try:
        params = load_params(paths.PARAMS)
    except MaskoptError:
        return []
    models = product(params.backbones, VARIANTS)
    return _beginning(typed, ("/".join(model) for model in models if paths.model(*model, params.seeds[0]).is_dir()))


def complete_target(typed: str) -> list[str]:
    """Return blocks of dvc.yaml, and stages as DVC names them."""
    from ruamel.yaml import YAML  # noqa: PLC0415

    from maskopt.params import load_params  # noqa: PLC0415

    try:
        params = load_params(paths.PARAMS).model_dump()
        blocks = YAML(typ="safe").load(paths.GRAPH)["stages"]
    except (MaskoptError, OSError):
        return []
    return _beginning(typed, {*blocks, *list_stages(blocks, params)})


def list_stages(blocks: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all stages, for which DVC would take seconds: a matrix in each combination of its values."""
    for name, block in blocks.items():
        axes = block.get("matrix", {}).values()
        for values in product(*(params[axis[2:-1]] if isinstance(axis, str) else axis for axis in axes)):  # ${seeds}
            yield f"{name}@{'-'.join(map(str, values))}" if values else name


def _beginning(typed: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(typed))
