import numpy as np
import pytest

from maskopt.data.likeness import find_copies, find_near_copies, join

NONE = np.zeros((0, 2), int)


def test_copies_are_linked_to_the_first():
    assert find_copies(["a", "b", "a", "c", "b", "a"]).tolist() == [[0, 2], [1, 4], [0, 5]]


def test_no_copies_give_no_links():
    assert find_copies(["a", "b"]).shape == (0, 2)


@pytest.mark.parametrize("distance_bits", [0, 3, 6, 11, 16])
def test_index_finds_what_comparing_all_pairs_finds(distance_bits):
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 2**63, 40, dtype=np.uint64)
    hashes = []
    for centre in np.repeat(centres, 6):
        flips = rng.choice(64, rng.integers(0, 14), replace=False).astype(np.uint64)
        hashes.append(int(centre) ^ sum(1 << int(bit) for bit in flips))
    hashes = list(dict.fromkeys(hashes))  # equal ones are linked to the first only: see below
    pairs = [(i, j) for i in range(len(hashes)) for j in range(i + 1, len(hashes))]
    expected = {(i, j) for i, j in pairs if (hashes[i] ^ hashes[j]).bit_count() <= distance_bits}
    found = {tuple(pair) for pair in find_near_copies([f"{value:016x}" for value in hashes], distance_bits).tolist()}
    assert found == expected


def test_thousand_equal_hashes_give_a_chain_and_not_all_pairs():
    assert len(find_near_copies(["0" * 16] * 1000, 6)) == 999


def test_links_join_directly_and_through_others():
    groups, refused = join(6, np.array([[0, 3]]), [np.array([[3, 5]]), np.array([[1, 2]])], largest=6)
    assert groups.tolist() == [0, 1, 1, 0, 2, 0]
    assert not len(refused)


def test_chain_of_resemblances_ends_at_the_largest_group():
    chain = np.array([[i, i + 1] for i in range(9)])
    groups, refused = join(10, NONE, [chain], largest=4)
    assert np.bincount(groups).tolist() == [4, 4, 2]
    assert refused.tolist() == [[3, 4], [7, 8]]


def test_copies_are_joined_however_many():
    groups, refused = join(10, np.array([[0, i] for i in range(1, 10)]), [], largest=2)
    assert groups.tolist() == [0] * 10
    assert not len(refused)


def test_nearest_pairs_come_first():
    hashes = [0, 0b111, 0b1, 0]
    assert find_near_copies([f"{value:016x}" for value in hashes], 3).tolist() == [[0, 3], [0, 2], [1, 2], [0, 1]]
