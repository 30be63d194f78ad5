"""Manifest rows and key points -> groups of pictures that must not be parted."""

from collections.abc import Sequence

import faiss
import numpy as np
import numpy.typing as npt

HASH_BITS = 64
TABLES = 4  # of 16 bits each; two hashes within d bits agree in one of them within d / 4

Ints = npt.NDArray[np.int64]


def find_copies(sha256: Sequence[str]) -> Ints:
    """Return (M, 2): each row whose file was there before, with the first such row in front."""
    _, first, inverse = np.unique(np.asarray(sha256, str), return_index=True, return_inverse=True)
    rows = np.arange(len(inverse))
    again = first[inverse] != rows
    return np.stack([first[inverse][again], rows[again]], axis=1)


def find_near_copies(phash: Sequence[str], distance_bits: int) -> Ints:
    """Return (M, 2): rows whose perceptual hashes differ in at most `distance_bits`, the nearest pairs first.

    Found by an index. The lower row stands first; rows with the same hash are linked to the first of them only.

    Args:
        phash: (N,), 16 hexadecimal digits each.
        distance_bits: in [0, 16]; the time grows with its fourth power.
    """
    hashes = np.array([int(digits, 16) for digits in phash], np.uint64)
    distinct, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    rows = np.arange(len(hashes))
    same = first[inverse] != rows
    codes = distinct.view(np.uint8).reshape(-1, HASH_BITS // 8)
    index = faiss.IndexBinaryMultiHash(HASH_BITS, TABLES, HASH_BITS // TABLES)
    index.nflip = distance_bits // TABLES
    index.add(codes)
    limits, _, found = index.range_search(codes, distance_bits + 1)  # distances below the second argument
    asked = np.repeat(np.arange(len(distinct)), np.diff(limits.astype(np.int64)))
    pairs = np.stack([asked, found], axis=1)[asked < found]
    bits = np.bitwise_count(distinct[pairs[:, 0]] ^ distinct[pairs[:, 1]])
    near = np.sort(first[pairs[np.argsort(bits, kind="stable")]], axis=1)
    return np.concatenate([np.stack([first[inverse][same], rows[same]], axis=1), near])


def join(n: int, certain: Ints, likely: Sequence[Ints], largest: int) -> tuple[Ints, Ints]:
    """Return the group of each row, (N,), numbered by first rows, and the links that were refused, (R, 2).

    Args:
        n: number of rows.
        certain: (M, 2), always followed.
        likely: more links, the best first. One that would make a group of more than `largest` rows is refused, so that
            no chain of chance resemblances swallows the data.
        largest: in rows.
    """
    parent, size = np.arange(n), np.ones(n, np.int64)
    refused = []

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for links, bound in [(certain, n), *((links, largest) for links in likely)]:
        for a, b in links:
            low, high = sorted((root(a), root(b)))
            if low != high and size[low] + size[high] > bound:
                refused.append((a, b))
            elif low != high:
                parent[high] = low
                size[low] += size[high]
    roots = [root(row) for row in range(n)]
    return np.unique(roots, return_inverse=True)[1], np.array(refused, np.int64).reshape(-1, 2)
