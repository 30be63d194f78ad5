"""JSON files of one model: the facts that training notes, the metrics and the latency."""

import json
from pathlib import Path
from typing import Any

from maskopt.errors import MissingFile
from maskopt.files import replacing

Record = dict[str, Any]


def read_record(path: Path) -> Record:
    """Return the content of a file.

    Raises:
        MissingFile: there is no `path`.
    """
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFile(path, "run `dvc repro`") from None
    return record


def write_record(path: Path, record: Record) -> None:
    """Write a file in the order of the keys, so that versions of it can be compared line by line."""
    with replacing(path) as file:
        file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
