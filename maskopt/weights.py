"""`networks.<name>.weights` -> the trunk's weights at the start: a file's, or ImageNet's."""

import hashlib
from pathlib import Path

import h5py

from maskopt.backbones import backbone, build_trunk, refuse_small
from maskopt.errors import DownloadFailed, MissingFile, WrongWeights
from maskopt.keras import keras

IMAGENET = "imagenet"


def load_weights(name: str, source: str, size_px: int) -> keras.Model:
    """Return the trunk with the weights of `source`.

    Args:
        name: a key of BACKBONES.
        source: `imagenet`, which Keras downloads, or the path of an .h5 file of a trunk without its top.
        size_px: input height and width.

    Raises:
        DownloadFailed: Keras could not download ImageNet's weights.
        MissingFile: there is no file at the path.
        TooSmall: the network does not take pictures of `size_px`.
        WrongWeights: the file is not HDF5, or holds weights of another network.
    """
    refuse_small(name, size_px)
    return _downloaded(name, size_px) if source == IMAGENET else _from_file(name, Path(source), size_px)


def fingerprint(trunk: keras.Model) -> str:
    """Return the SHA-256 of all weights in order, whatever file they came in."""
    digest = hashlib.sha256()
    for weight in trunk.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _downloaded(name: str, size_px: int) -> keras.Model:
    entry = backbone(name)
    if entry.application is None:
        raise WrongWeights(Path(IMAGENET), name, "this network is hand-made, there are no ImageNet weights of it")
    shape = (size_px, size_px, 3)
    try:
        return entry.application(input_shape=shape, include_top=False, weights=IMAGENET, **entry.options)
    except Exception as err:
        if type(err) is not Exception:  # the very class that Keras raises here; anything else is a bug
            raise
        raise DownloadFailed(name, str(err)) from err


def _from_file(name: str, path: Path, size_px: int) -> keras.Model:
    if not path.is_file():
        raise MissingFile(path, f"put it there, or set networks.{name}.weights in params.yaml to another")
    if not h5py.is_hdf5(path):
        raise WrongWeights(path, name, "it is not an HDF5 file")
    trunk = build_trunk(name, size_px)
    try:
        trunk.load_weights(path)  # reads arrays by position; nothing in the file is executed
    except (ValueError, KeyError, OSError) as err:
        raise WrongWeights(path, name, str(err).rstrip(".")) from err
    return trunk
