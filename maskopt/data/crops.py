"""Key points of many pictures -> pairs of pictures that show one photograph.

Two crops of a photograph share key points, and those lie in the same way to each other. Equal key points are found by
hashing on some of their bits, several times (locality-sensitive hashing), so that time and memory grow with the number
of pictures and not with its square. What many pictures share, such as the folds of one drawn mask, tells nothing.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from maskopt.data.key_points import LONGER_SIDE, NO_LEVEL, SCALE_STEP, KeyPoints

TABLES = 24  # each hashes on other bits
MAX_DISTANCE_BITS = 12  # of 63, between the codes of one place in two crops
MAX_ALIKE = 16  # key points of one table that share a key: more are a texture
MAX_PICTURES = 10  # that one key point is found in: more are a texture
MAX_SHIFT = LONGER_SIDE / 16  # between a place and where another place says it is
CELL = 6  # units: key points in one square of this side are one place

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint64]


def find_crops(points: KeyPoints, min_places: int) -> Ints:
    """Return (M, 2): pairs of rows whose pictures agree in `min_places` or more, the surest first, the lower row first.

    Args:
        points: (N, P) of `KEY_POINT`.
        min_places: fewer find more crops, and more strangers.
    """
    used = np.flatnonzero(points["level"].ravel() != NO_LEVEL)
    if not len(used):
        return np.zeros((0, 2), np.int64)
    flat, rows = points.ravel(), used // points.shape[1]
    a, b = _match(flat["code"][used], rows)
    order = np.argsort(rows[a] * len(points) + rows[b], kind="stable")
    a, b = a[order], b[order]
    pairs, starts, counts = np.unique(rows[a] * len(points) + rows[b], return_index=True, return_counts=True)
    enough = counts >= min_places
    pairs = pairs[enough]
    agreeing = np.array(
        [
            _count_agreeing(*(flat[used[side[start : start + count]]] for side in (a, b)))
            for start, count in zip(starts[enough], counts[enough], strict=True)
        ],
        np.int64,
    )
    surest = np.argsort(-agreeing, kind="stable")
    pairs = pairs[surest[agreeing[surest] >= min_places]]
    return np.stack([pairs // len(points), pairs % len(points)], axis=1)


def _match(codes: Codes, rows: Ints) -> tuple[Ints, Ints]:
    """Return two (M,) of indices into `codes`: equal places, the one in the lower row first, textures left out."""
    pairs, texture = np.zeros(0, np.int64), np.zeros(len(codes), bool)
    for mask in _masks(len(codes)):
        order, run, many = _runs(codes & mask)
        texture[many] = True
        found = [pairs]
        for a, b in _pairs_within(order, run):
            near = (rows[a] != rows[b]) & (np.bitwise_count(codes[a] ^ codes[b]) <= MAX_DISTANCE_BITS)
            found.append(np.minimum(a[near], b[near]) * len(codes) + np.maximum(a[near], b[near]))
        pairs = _distinct(np.concatenate(found))
    a, b = pairs // len(codes), pairs % len(codes)
    n = rows[-1] + 1
    pictures = _distinct(np.concatenate([a * n + rows[b], b * n + rows[a]]))  # that each key point is found in
    texture |= np.bincount(pictures // n, minlength=len(codes)) > MAX_PICTURES
    rare = ~(texture[a] | texture[b])
    return a[rare], b[rare]


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
