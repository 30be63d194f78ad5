"""Key points of many pictures -> pairs of pictures that show one photograph.

Two crops of a photograph share key points, and those lie in the same way to each other. Equal key points are found by
hashing on some of their bits, several times (locality-sensitive hashing), so that time grows with the number of
pictures and not with its square; what is found waits in files, so that little more than the codes is in memory. What
many pictures share, such as the folds of one drawn mask, tells nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from maskopt.data.key_points import LONGER_SIDE, NO_LEVEL, SCALE_STEP, KeyPoints

TABLES = 24  # each hashes on other bits
MAX_DISTANCE_BITS = 12  # of 63, between the codes of one place in two crops
MAX_ALIKE = 16  # key points of one table that share a key: more are a texture
MAX_PICTURES = 10  # that one key point is found in: more are a texture
MAX_SHIFT = LONGER_SIDE / 16  # between a place and where another place says it is
PART = 2**18  # key points that are sorted at once, about
FILE = 2**11  # pictures whose pairs wait in one file
CELL = 6  # units: key points in one square of this side are one place

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint64]


def find_crops(points: KeyPoints, min_places: int) -> Ints:
    """Return (M, 2): pairs of rows whose pictures agree in `min_places` or more, the surest first, the lower row first.

    Args:
        points: (N, P) of `KEY_POINT`.
        min_places: fewer find more crops, and more strangers.

    Raises:
        OSError: there is no room for temporary files of about 5 kB a picture.
    """
    if (points["level"] == NO_LEVEL).all():
        return np.zeros((0, 2), np.int64)
    pairs, agreeing = [], []
    with ExitStack() as stack:
        files = [stack.enter_context(TemporaryFile()) for _ in range(0, len(points), FILE)]
        texture = _match(points, files)
        for a, b in _matches(files, points.size):
            rare = ~(texture[a] | texture[b])
            found, places = _compare(points, a[rare], b[rare], min_places)
            pairs.append(found)
            agreeing.append(places)
    found = np.concatenate(pairs)
    surest = np.lexsort([found, -np.concatenate(agreeing)])
    return np.stack(np.divmod(found[surest], len(points)), axis=1)


def _match(points: KeyPoints, files: Sequence[BinaryIO]) -> Bools:
    """Write pairs of equal places to the file of the lower one's picture; return (N * P,), which are textures."""
    n, width = points.shape
    codes, used = points["code"].ravel(), points["level"].ravel() != NO_LEVEL
    texture = np.zeros(len(codes), bool)
    for mask in _masks(int(used.sum())):
        for members in _parts(codes, mask, used):
            order, run, many = _runs(codes[members] & mask)
            texture[members[many]] = True
            found = []
            for first, second in _pairs_within(members[order], run):
                a, b = np.minimum(first, second), np.maximum(first, second)
                near = (a // width != b // width) & (np.bitwise_count(codes[a] ^ codes[b]) <= MAX_DISTANCE_BITS)
                found.append(a[near] * len(codes) + b[near])
            pairs = np.concatenate(found)
            its_file = pairs // len(codes) // width % len(files)
            for file, here in zip(files, _sort_into(len(files), its_file), strict=True):
                file.write(pairs[here].tobytes())
    pictures = np.zeros(len(codes), np.int32)  # that each place is found in
    for a, b in _matches(files, len(codes)):
        for ours, others in ((a, b), (b, a)):  # that of a is in no other file
            places, counts = np.unique(_distinct(ours * n + others // width) // n, return_counts=True)
            pictures[places] += counts
    texture |= pictures > MAX_PICTURES
    return texture


def _matches(files: Sequence[BinaryIO], n: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield the pairs of each file, each once, the places of one picture together."""
    for file in files:
        file.seek(0)
        yield np.divmod(_distinct(np.fromfile(file, np.int64)), n)


def _compare(points: KeyPoints, a: Ints, b: Ints, min_places: int) -> tuple[Ints, Ints]:
    """Return what pairs of rows agree in `min_places` or more, (M,), each as one number, and in how many, (M,)."""
    n, width = points.shape
    both, flat = a // width * n + b // width, points.ravel()
    order = np.argsort(both, kind="stable")
    a, b = a[order], b[order]
    pairs, starts, counts = np.unique(both[order], return_index=True, return_counts=True)
    enough = counts >= min_places
    agreeing = np.array(
        [
            _count_agreeing(*(flat[side[start : start + count]] for side in (a, b)))
            for start, count in zip(starts[enough], counts[enough], strict=True)
        ],
        np.int64,
    )
    sure = agreeing >= min_places
    return pairs[enough][sure], agreeing[sure]


def _parts(codes: Codes, mask: np.uint64, used: Bools) -> Iterator[Ints]:
    """Yield indices of used codes, some `PART` at a time, ascending; those with equal bits of the mask are together."""
    n_parts = len(codes) // PART | 1  # an odd number, or only the lowest bits would tell
    part = np.where(used, (codes & mask) % np.uint64(n_parts), n_parts)
    yield from _sort_into(n_parts + 1, part)[:n_parts]


def _sort_into(n: int, part: Ints) -> list[Ints]:
    """Return for each of `n` parts, 65,536 at most, the indices whose `part` it is, ascending."""
    small = part.astype(np.uint16)  # which NumPy sorts by counting
    return np.split(np.argsort(small, kind="stable"), np.cumsum(np.bincount(small, minlength=n))[:-1])


def _masks(n: int) -> Iterator[np.uint64]:
    """Yield the bits that each table hashes on: the more key points, the more bits, so that chance stays the same."""
    rng = np.random.default_rng(0)  # any choice serves; a fixed one finds the same crops each time
    bits = max(12, int(np.ceil(np.log2(n))))
    for _ in range(TABLES):
        chosen = rng.choice(63, bits, replace=False).astype(np.uint64)
        yield np.bitwise_or.reduce(np.uint64(1) << chosen)


def _runs(keys: Codes) -> tuple[Ints, Ints, Ints]:
    """Return indices of the keys that a few share, equal ones together; for each the number of its run; the others.

    The others share their key with more than a few; who shares it with nobody is left out.
    """
    order = np.argsort(keys)
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    counts = np.diff(starts, append=len(keys))
    few = np.repeat((counts > 1) & (counts <= MAX_ALIKE), counts)
    run = np.repeat(np.arange(len(counts)), np.where((counts > 1) & (counts <= MAX_ALIKE), counts, 0))
    return order[few], run, order[np.repeat(counts > MAX_ALIKE, counts)]


def _pairs_within(order: Ints, run: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield all pairs that share a run."""
    for step in range(1, MAX_ALIKE):
        both = np.flatnonzero(run[:-step] == run[step:])
        yield order[both], order[both + step]


def _count_agreeing(first: KeyPoints, second: KeyPoints) -> int:
    """Return in how many places two pictures agree, if one is a crop of the other as the best of the pairs says.

    Args:
        first: (M,), key points of one picture.
        second: (M,), their equals in the other.
    """
    p, q = (np.stack([side["x"], side["y"]], axis=1).astype(np.float64) for side in (first, second))  # (M, 2)
    levels = second["level"].astype(np.float64) - first["level"]
    scale = SCALE_STEP**levels  # (M,): a hypothesis per pair
    shift = q - scale[:, None] * p
    expected = scale[:, None, None] * p + shift[:, None]  # (M hypotheses, M pairs, 2)
    agrees = np.linalg.norm(q - expected, axis=2) < MAX_SHIFT
    agrees &= np.abs(levels[:, None] - levels) <= 1
    best = agrees[agrees.sum(axis=1).argmax()]
    return min(len({(x // CELL, y // CELL) for x, y in side[best].tolist()}) for side in (p, q))


def _distinct(values: Ints) -> Ints:
    """Return the sorted values, each once: np.unique would hash them, at twice the time and memory."""
    values.sort()
    return values[np.diff(values, prepend=-1) > 0]
