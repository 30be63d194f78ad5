"""`networks.<name>.weights` -> the trunk's weights at the start: a file's, or ImageNet's."""

import hashlib
import math
import mmap
import re
import struct
from collections.abc import Iterator
from itertools import count, islice, takewhile
from pathlib import Path

import h5py

from maskopt.errors import DownloadFailed, MissingFile, WrongWeights
from maskopt.networks.backbones import architecture, build_whole, cut, refuse_misfit
from maskopt.networks.keras import keras
from maskopt.params import Trunk

IMAGENET = "imagenet"
MAX_BYTES = 2**31  # of all arrays unpacked; the largest network here has 94 MB
MAX_TEXT_BYTES = 2**29  # of the names in one attribute, which may all be one long text
MAX_NAMES = 10_000  # of layers and arrays, and as often as they are named; the largest network here has 1,000
MAX_DEPTH = 20  # of groups in groups; Keras' own files have 4
MAX_TEXTS = 1_000_000  # and heaps of them

# What h5py, and Keras with what h5py gives it, raise on files that are damaged or hold what they should not.
# SystemError is one of h5py's own of these, raised while it lets go of a lock.
_BROKEN = (OSError, ValueError, KeyError, RuntimeError, TypeError, SystemError)


HEAP = re.compile(rb"GCOL\x01\x00{3}(.{8})", re.DOTALL)  # start of a heap of texts in HDF5, and its bytes
PART = struct.Struct("<H6xQ")  # head of a text: its number, 0 for room that is free, and its bytes


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


def _strange(path: Path) -> str | None:
    """Return what a file of weights has no need to hold and could harm with, None if there is no such thing."""
    found: list[str] = []
    total = links = 0

    def see(name: str, link: object) -> None:
        nonlocal links
        links += 1
        if links > MAX_NAMES or name.count("/") >= MAX_DEPTH:
            raise ValueError(f"it has more than {MAX_NAMES:,} groups and arrays, or some more than {MAX_DEPTH} deep")
        if not isinstance(link, h5py.HardLink):
            found.append(f"{name!r} is a {type(link).__name__}, which leads elsewhere")

    def look(name: str, item: h5py.HLObject) -> None:
        nonlocal total
        _refuse_long_texts(item, longest_bytes)
        if isinstance(item, h5py.Dataset):
            if item.size is None:
                found.append(f"{name!r} is empty, want numbers")
                return
            total += item.size * item.dtype.itemsize
            if item.dtype.kind not in "fiu":
                found.append(f"{name!r} holds {item.dtype}, want numbers")
            if item.external or item.is_virtual:
                found.append(f"{name!r} is filled from another file")
            if item.id.get_create_plist().get_nfilters():  # what is unpacked may be larger than the array
                found.append(f"{name!r} is compressed or filtered, which Keras' own files are not")

    try:
        longest_bytes = _measure_longest_text(path)
        with h5py.File(path) as file:
            file.visititems_links(see)
            look("", file)
            file.visititems(look)
            if not found:
                _refuse_more_when_loaded(file)
            config = file.attrs.get("model_config", "")
    except _BROKEN as err:
        return str(err.__cause__ or err).rstrip(".")
    if "Lambda" in str(config):
        found.append("it is a model with a Lambda layer, which is code")
    if total > MAX_BYTES:
        found.append(f"its arrays have {total:,} bytes, want at most {MAX_BYTES:,}")
    return found[0] if found else None


def _measure_longest_text(path: Path) -> int:
    """Walk through texts as HDF5's library does, which never ends where free room has no bytes (its issue 1707).

    Return the bytes of the longest text.

    Raises:
        ValueError: some has less than its own head, or they are too many.
    """
    seen: set[int] = set()
    longest_bytes = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts = [(_end_of(heap, len(content)), heap.end()) for heap in islice(HEAP.finditer(content), MAX_TEXTS)]
        if len(starts) == MAX_TEXTS:
            raise ValueError(f"it has {MAX_TEXTS:,} heaps of texts or more")
        for end, start in sorted(starts, reverse=True):  # so that where one heap leads into another, all was walked
            place = start
            while place + PART.size <= end and place not in seen:
                seen.add(place)
                if len(seen) > MAX_TEXTS:
                    raise ValueError(f"it has more than {MAX_TEXTS:,} texts")
                number, size_bytes = PART.unpack_from(content, place)
                if number == 0 and size_bytes < PART.size:
                    raise ValueError(f"it is damaged: a heap of texts would never end, at byte {place:,}")
                longest_bytes = max(longest_bytes, size_bytes if number else 0)
                place += size_bytes if number == 0 else PART.size + -(-size_bytes // 8) * 8
    return longest_bytes


def _end_of(heap: re.Match[bytes], size_bytes: int) -> int:
    return min(heap.start() + int.from_bytes(heap[1], "little"), size_bytes)


def _refuse_long_texts(item: h5py.HLObject, longest_bytes: int) -> None:
    """Look at attributes, whose texts are each no longer than that, but may be named again and again.

    Raises:
        ValueError: together they may have more than `MAX_TEXT_BYTES`.
    """
    for name in item.attrs:
        shape = item.attrs.get_id(name).shape or ()
        if math.prod(shape) * longest_bytes > MAX_TEXT_BYTES:
            raise ValueError(f"the texts of its {name!r} may have more than {MAX_TEXT_BYTES:,} bytes")


def _refuse_more_when_loaded(file: h5py.File) -> None:
    """Follow names as Keras does, which reads an array anew each time that it is named.

    Raises:
        ValueError: they are too many, or more than `MAX_BYTES` together, or not of arrays.
    """
    group = file["model_weights"] if "layer_names" not in file.attrs and "model_weights" in file else file
    layers = list(_names(group, "layer_names"))
    layers += ["top_level_model_weights"] if "top_level_model_weights" in group else []
    names, total = len(layers), 0
    for layer in layers:
        for name in _names(group[layer], "weight_names"):
            array = group[layer][name]
            if not isinstance(array, h5py.Dataset):
                raise ValueError(f"{name!r} in {layer!r} is not an array")
            names, total = names + 1, total + array.size * array.dtype.itemsize
            if names > MAX_NAMES:
                raise ValueError(f"it names more than {MAX_NAMES:,} layers and arrays")
            if total > MAX_BYTES:
                raise ValueError(f"the arrays that it names, some of them again, have more than {MAX_BYTES:,} bytes")


def _names(group: h5py.Group, attribute: str) -> Iterator[str]:
    """Yield the names that an attribute holds, or, where they are many, several attributes with a number."""
    parts = [attribute]
    if attribute not in group.attrs:
        parts = [f"{attribute}{i}" for i in takewhile(lambda i: f"{attribute}{i}" in group.attrs, count())]
    for part in parts:
        yield from (name.decode() if isinstance(name, bytes) else name for name in group.attrs[part])


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
    if reason := _strange(path):
        raise WrongWeights(path, trunk, reason)
    whole = build_whole(trunk, size_px)
    try:
        whole.load_weights(path)  # reads arrays by position; nothing in the file is executed
    except _BROKEN as err:
        raise WrongWeights(path, trunk, str(err).rstrip(".")) from err
    return whole
