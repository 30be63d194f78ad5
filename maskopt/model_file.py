"""A path that should be a .tflite file -> refused before it is read, if it is no file or too large a one."""

from pathlib import Path

from maskopt.errors import NotAModel

MAX_BYTES = 2**30  # the largest network here has 94 MB; flatbuffers end at 2 GiB


def refuse_unreadable(path: Path) -> None:
    """Raise NotAModel if there is something at `path` that is no file or has more than 1 GiB."""
    if path.is_dir():
        raise NotAModel(path, "it is a folder")
    if path.exists() and not path.is_file():  # such as a device, which may never end
        raise NotAModel(path, "it is no file")
    if path.exists() and (size_bytes := path.stat().st_size) > MAX_BYTES:
        raise NotAModel(path, f"it has {size_bytes:,} bytes, want at most {MAX_BYTES:,}")
