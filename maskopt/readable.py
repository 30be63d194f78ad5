"""A path of a file that may be anybody's -> refused before it is read, if it is no file or too large a one."""

from collections.abc import Callable
from pathlib import Path

from maskopt.errors import MaskoptError

MODEL_BYTES = 2**28  # the largest network here has 94 MB


def refuse_unreadable(path: Path, max_bytes: int, error: Callable[[Path, str], MaskoptError]) -> None:
    """Raise `error` of path and reason if there is something at `path` that is no file or has more than `max_bytes`."""
    if path.is_dir():
        raise error(path, "it is a folder")
    if path.exists() and not path.is_file():  # such as a device, which may never end
        raise error(path, "it is no file")
    if path.exists() and (size_bytes := path.stat().st_size) > max_bytes:
        raise error(path, f"it has {size_bytes:,} bytes, want at most {max_bytes:,}")
