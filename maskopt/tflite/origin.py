"""Where a model came from: a small record in each .tflite file, the same for the same model.

No date, machine, commit or code: a model that is made once more must have the same bytes. Reading it executes nothing.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from maskopt.errors import NotAModel
from maskopt.tflite.inspection import parse_metadata, reading

Origin = dict[str, Any]  # of JSON

ENTRY = "maskopt"  # of the file's metadata
MAX_BYTES = 65_536
MAX_LEVELS = 16  # of objects and lists in each other; ours have 4
PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")


def begin(network: str, seed: int, **what: object) -> Origin:
    """Return the record of a network before any training: who it is, `what` it is made of, and the packages."""
    return {
        "network": network,
        "seed": seed,
        **what,
        "packages": {name: version(name) for name in PACKAGES},
        "steps": [],
    }


def after(origin: Origin, variant: str, settings: Mapping[str, object]) -> Origin:
    """Return the record after one more stage."""
    return origin | {"steps": [*origin["steps"], {"variant": variant, **settings}]}


def to_bytes(origin: Origin) -> bytes:
    """Return what the file holds."""
    return json.dumps(origin, ensure_ascii=False, separators=(",", ":")).encode()


def read_origin(path: Path) -> Origin | None:
    """Return the record of a file, None where it has none.

    Raises:
        MissingFile: there is no `path`.
        NotAModel: it cannot be read as .tflite, or its record is not one.
    """
    with reading(path) as content:
        entry = parse_metadata(content).get(ENTRY)
    if entry is None:
        return None
    if len(entry) > MAX_BYTES:
        raise NotAModel(path, f"its record of origin has {len(entry):,} bytes, want at most {MAX_BYTES:,}")
    try:
        origin = json.loads(entry)
    except (ValueError, RecursionError) as err:  # not UTF-8, not JSON, or nested too deep
        raise NotAModel(path, f"its record of origin is not JSON: {err}") from None
    if not isinstance(origin, dict):
        raise NotAModel(path, f"its record of origin is a {type(origin).__name__}, want an object")
    if _is_deeper(origin, MAX_LEVELS):
        raise NotAModel(path, f"its record of origin has more than {MAX_LEVELS} levels")
    return origin


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)
