"""What reads files of others, as functions of bytes: they return, or raise an error of ours; all else is a bug."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from unittest import mock

import pandas as pd

from maskopt.classifying import best_bundle
from maskopt.data.archive import Limits, unpack
from maskopt.data.attributes import read_attributes
from maskopt.data.picture import open_picture
from maskopt.data.rows import read_manifest
from maskopt.description import describe, lay_out
from maskopt.errors import MaskoptError
from maskopt.params import Trunk, load_params
from maskopt.profiles import put_profile

LIMITS = Limits(files=100, file_bytes=2**20, total_bytes=2**22, free_bytes=2**20)
MAX_PIXELS = 250_000
PICTURES = pd.Series(["cat/1.png", "cat/größe, 漢字.png", "dog/1.png"], name="path")
CLASSES = ("with_mask", "without_mask")
SCRATCH = Path("/dev/shm")


def _with_file(read: Callable[[Path], None], name: str) -> Callable[[bytes], None]:
    """Return a function of the content of a file, which is alone in a folder but for what `read` makes beside it."""

    def target(content: bytes) -> None:
        folder = Path(tempfile.mkdtemp(dir=SCRATCH if SCRATCH.is_dir() else None))
        try:
            path = folder / "in" / name
            path.parent.mkdir()
            path.write_bytes(content)
            with suppress(MaskoptError):
                read(path)
            assert [each.name for each in path.parent.iterdir()] == [name], "a file appeared outside the target folder"
        finally:
            shutil.rmtree(folder)

    return target


def _unpack(path: Path) -> None:
    target = path.parents[1] / "out"
    with suppress(MaskoptError):
        unpack(path, target, LIMITS)
    total = sum(file.stat().st_size for file in target.rglob("*") if not file.is_symlink())
    assert total <= LIMITS.total_bytes + 2**20, f"{total:,} bytes were unpacked"
    assert not [file for file in target.rglob("*") if file.is_symlink() or not (file.is_file() or file.is_dir())]
    assert {each.name for each in path.parents[1].iterdir()} == {"in", "out"}


def _open_picture(path: Path) -> None:
    picture = open_picture(path, MAX_PIXELS)
    assert picture.image.mode == "RGB"
    assert picture.image.width * picture.image.height <= MAX_PIXELS


def _load_params(path: Path) -> None:
    load_params(path)


def _put_profile(path: Path) -> None:
    quick = path.with_name("quick.yaml")
    shutil.copyfile(Path(__file__).parents[2] / "profiles" / "quick.yaml", quick)
    try:
        put_profile(path.stem, path.parent, path.parents[1] / "params.yaml")
    finally:
        quick.unlink()


def _show(path: Path) -> None:
    text = "\n".join(lay_out(path, describe(path)))
    assert "\x1b" not in text.replace(str(path), "")


def _read_manifest(path: Path) -> None:
    read_manifest(path)


def _read_attributes(path: Path) -> None:
    rows = read_attributes(path, PICTURES)
    assert rows["path"].tolist() == PICTURES.tolist()
    assert all(isinstance(value, str) for value in rows.to_numpy().ravel())


def _read_bundle(path: Path) -> None:
    assert best_bundle(path.parents[1], CLASSES) in (path.parent, None)


@cache
def _network():
    """Return what `corpus/weights/small.h5` holds the weights of, smaller than any network of ours."""
    from maskopt.networks.keras import keras

    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, use_bias=False, name="conv")(image)
    return keras.Model(image, keras.layers.BatchNormalization(name="norm")(x))


def _load_weights(path: Path) -> None:
    from maskopt.weights import load_weights  # TensorFlow: seconds

    trunk = Trunk(architecture="separable", width=1, depth=1, until=None)
    with mock.patch("maskopt.weights.build_whole", lambda *_: _network()):  # building one takes seconds too
        load_weights(trunk, str(path), size_px=16)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "archive": _with_file(_unpack, "a.zip"),
    "picture": _with_file(_open_picture, "a.png"),
    "manifest": _with_file(_read_manifest, "manifest.csv"),
    "params": _with_file(_load_params, "params.yaml"),
    "profile": _with_file(_put_profile, "other.yaml"),
    "model": _with_file(_show, "a.tflite"),
    "attributes": _with_file(_read_attributes, "known.csv"),
    "bundle": _with_file(_read_bundle, "model.json"),
    "weights": _with_file(_load_weights, "a.h5"),
}
