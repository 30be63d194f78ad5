"""`networks.<name>.weights` -> the trunk's weights at the start: a file's, or ImageNet's."""

import hashlib
from pathlib import Path

import h5py

from maskopt.backbones import architecture, build_whole, cut, refuse_misfit
from maskopt.errors import DownloadFailed, MissingFile, WrongWeights
from maskopt.keras import keras
from maskopt.params import Trunk

IMAGENET = "imagenet"


def load_weights(trunk: Trunk, source: str, size_px: int) -> keras.Model:
    """Return the trunk with the weights of `source`, which are those of the architecture whole.

    Args:
        trunk: what to build.
        source: `imagenet`, which Keras downloads, or the path of an .h5 file of a trunk without its top.
        size_px: input height and width.

    Raises:
        DownloadFailed: Keras could not download ImageNet's weights.
        FixedScale, TooSmall, UnknownName: there is no such trunk.
        MissingFile: there is no file at the path.
        WrongWeights: the file is not HDF5, or holds weights of another network; or ImageNet's are not published.
    """
    refuse_misfit(trunk, size_px)
    return cut(_downloaded(trunk, size_px) if source == IMAGENET else _from_file(trunk, Path(source), size_px), trunk)


def fingerprint(trunk: keras.Model) -> str:
    """Return the SHA-256 of all weights in order, whatever file they came in."""
    digest = hashlib.sha256()
    for weight in trunk.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _downloaded(trunk: Trunk, size_px: int) -> keras.Model:
    download = architecture(trunk.architecture).download
    if download is None:
        raise WrongWeights(Path(IMAGENET), trunk, "this network is hand-made, there are no ImageNet weights of it")
    try:
        return download(size_px, trunk.width)
    except ValueError as err:
        raise WrongWeights(Path(IMAGENET), trunk, str(err).rstrip(".")) from err
    except Exception as err:
        if type(err) is not Exception:  # the very class that Keras raises here; anything else is a bug
            raise
        raise DownloadFailed(trunk, str(err)) from err


def _from_file(trunk: Trunk, path: Path, size_px: int) -> keras.Model:
    if not path.is_file():
        raise MissingFile(path, "put it there, or set weights of the network in params.yaml to another")
    if not h5py.is_hdf5(path):
        raise WrongWeights(path, trunk, "it is not an HDF5 file")
    whole = build_whole(trunk, size_px)
    try:
        whole.load_weights(path)  # reads arrays by position; nothing in the file is executed
    except (ValueError, KeyError, OSError) as err:
        raise WrongWeights(path, trunk, str(err).rstrip(".")) from err
    return whole
