import json

import numpy as np
import pandas as pd
import pytest
from drawn import photograph

from maskopt.data.key_points import KEY_POINT, MAX_POINTS, NO_LEVEL, find_key_points
from maskopt.data.split import SIDES, assign_sides, list_leaks, split_rows
from maskopt.errors import CannotSplit
from maskopt.params import Split
from maskopt.training.pictures import choose_pictures

OPTIONS = Split(
    train=0.7,
    val=0.15,
    test=0.15,
    test_seed=0,
    hash_distance_bits=6,
    crop_places=5,
    largest_group=0.02,
    keep_together=True,
)


def options(**changes):
    return OPTIONS.model_copy(update=changes)


def three_classes(rows, group_of):
    """Return labels and groups of `rows` rows each of three classes."""
    labels = np.repeat([0, 1, 2], rows)
    return labels, np.array([group_of(row) for row in range(3 * rows)])


def counts(labels, sides):
    return {side: np.bincount(labels[sides == side], minlength=3).tolist() for side in ("train", "val", "test")}


def manifest(labels, sha256=None, seed=0):
    rng = np.random.default_rng(seed)
    n = len(labels)
    table = pd.DataFrame({"path": [f"{label}/{i}.png" for i, label in enumerate(labels)], "label": labels})
    hashes = [f"{value:016x}" for value in rng.integers(0, 2**63, n)]
    points = np.zeros((n, MAX_POINTS), KEY_POINT)
    points["level"] = NO_LEVEL
    return table.assign(sha256=sha256 or [f"{i:064x}" for i in range(n)], phash=hashes), points


def test_fractions_come_out_per_class():
    labels, groups = three_classes(200, lambda row: row)
    assert counts(labels, assign_sides(labels, groups, OPTIONS, seed=0)) == {
        "train": [140] * 3,
        "val": [30] * 3,
        "test": [30] * 3,
    }


def test_fractions_come_out_with_groups_of_all_sizes_and_across_classes():
    labels, groups = three_classes(400, lambda row: row % 400 // 5 if row % 400 < 100 else row)
    sides = assign_sides(labels, groups, OPTIONS, seed=0)
    assert counts(labels, sides) == {"train": [280] * 3, "val": [60] * 3, "test": [60] * 3}


def test_groups_are_never_parted():
    labels, groups = three_classes(400, lambda row: row * 7 % 250)
    sides = assign_sides(labels, groups, OPTIONS, seed=3)
    assert pd.DataFrame({"group": groups, "side": sides}).groupby("group")["side"].nunique().max() == 1
    for fraction, side in ((0.7, "train"), (0.15, "val"), (0.15, "test")):
        np.testing.assert_allclose(
            counts(labels, sides)[side], 400 * fraction, atol=12
        )  # no single rows to fill up with


def test_sides_hold_their_share_of_groups():
    labels, groups = three_classes(1000, lambda row: row // 2 if row % 1000 < 400 else 10_000 + row)
    sides = assign_sides(labels, groups, OPTIONS, seed=0)
    paired = groups < 10_000
    np.testing.assert_allclose(np.mean(sides[paired] == "test"), 0.15, atol=0.04)
    np.testing.assert_allclose(np.mean(sides[paired] == "val"), 0.15, atol=0.04)


def test_other_seed_keeps_the_test_rows_and_moves_the_others():
    labels, groups = three_classes(200, lambda row: row // 3)
    first, second = (assign_sides(labels, groups, OPTIONS, seed) for seed in (0, 1))
    np.testing.assert_array_equal(first == "test", second == "test")
    assert (first != second).any()


def test_other_test_seed_moves_the_test_rows():
    labels, groups = three_classes(200, lambda row: row)
    first, second = (assign_sides(labels, groups, options(test_seed=seed), 0) for seed in (0, 1))
    assert ((first == "test") != (second == "test")).any()


def test_same_seed_gives_the_same_sides():
    labels, groups = three_classes(200, lambda row: row // 3)
    np.testing.assert_array_equal(*(assign_sides(labels, groups, OPTIONS, seed=5) for _ in range(2)))


def test_unequal_classes_are_each_parted_by_the_fractions():
    labels = np.repeat([0, 1], [1000, 40])
    sides = assign_sides(labels, np.arange(1040), OPTIONS, seed=0)
    assert np.bincount(labels[sides == "test"]).tolist() == [150, 6]


def test_table_has_the_order_of_the_manifest_and_the_report_counts():
    table, points = manifest(["a"] * 40 + ["b"] * 40, sha256=["same", "same"] + [f"{i:064x}" for i in range(78)])
    split, report, _ = split_rows(table, points, OPTIONS, seed=0)
    assert list(split.columns) == ["path", "label", "split", "group"]
    assert split["path"].tolist() == table["path"].tolist()
    assert split["group"].iloc[0] == split["group"].iloc[1]
    assert report["links"] == {"copies": 1, "near_copies": 0, "crops": 0, "refused": 0}
    assert (report["pictures"], report["groups"], report["largest_group"]) == (80, 79, 2)
    assert report["sizes"] == {"train": 56, "val": 12, "test": 12}
    assert report["classes"]["a"] == {"train": 28, "val": 6, "test": 6}
    json.dumps(report)


def test_every_row_is_on_one_side_and_every_side_is_used_whole():
    table, points = manifest(["a"] * 40 + ["b"] * 40, sha256=["same", "same"] + [f"{i:064x}" for i in range(78)])
    split, _, _ = split_rows(table, points, OPTIONS, seed=0)
    pixels = np.arange(80, dtype=np.uint8).reshape(80, 1, 1, 1)
    used = [choose_pictures(split, side, ["a", "b"], pixels).pixels.ravel() for side in SIDES]
    assert np.concatenate(used).size == 80
    assert set(np.concatenate(used)) == set(range(80))


def test_too_small_a_class_is_named():
    table, points = manifest(["a"] * 40 + ["b"] * 2)
    with pytest.raises(CannotSplit) as caught:
        split_rows(table, points, OPTIONS, seed=0)
    assert str(caught.value) == (
        "no picture of 'b' is left for train: the class has 2 pictures in 2 groups of look-alikes. "
        "Give more pictures, or set another split in params.yaml"
    )


def test_class_of_one_group_is_named():
    table, points = manifest(["a"] * 40 + ["b"] * 30, sha256=[f"{i:064x}" for i in range(40)] + ["same"] * 30)
    with pytest.raises(CannotSplit, match="no picture of 'b' is left for val: the class has 30 pictures in 1 groups"):
        split_rows(table, points, OPTIONS, seed=0)


def test_refused_links_are_logged(caplog):
    table, points = manifest(["a"] * 80 + ["b"] * 80)
    table.loc[:39, "phash"] = [f"{2**i:016x}" for i in range(40)]  # each is two bits from each other
    _, report, _ = split_rows(table, points, options(largest_group=0.15), seed=0)
    assert report["largest_group"] == 24
    said = caplog.records[0].getMessage()
    assert said.startswith(f"{report['links']['refused']} pairs of pictures look alike, but may stand on both sides")
    assert "groups of more than 24 pictures. Among drawn or rendered pictures that is chance, and nothing" in said
    assert "split.largest_group in params.yaml should be raised; else it does no harm" in said
    assert "in test are in data/split/0-leaks.csv; first: a/" in said
    assert said.count(" and a/") == 3  # of hundreds
    assert "\n" not in said


@pytest.mark.parametrize("test_seed", [5, 7, 12])
def test_look_alikes_that_are_not_kept_together_are_counted_as_leaks(test_seed):
    table, points = manifest(["a"] * 200 + ["b"] * 200)
    table.loc[:39, "phash"] = [f"{2**i:016x}" for i in range(40)]  # alike, all with all
    sides, report, _ = split_rows(table, points, options(largest_group=0.06, test_seed=test_seed), seed=0)
    tested = (sides["split"][:40] == "test").sum()
    assert 0 < tested < 40
    assert report["leaks"]["here"] == tested


def test_crops_of_one_photograph_are_kept_together():
    table, points = manifest(["a"] * 40 + ["b"] * 40)
    points[[3, 50]] = find_key_points(photograph(0))
    split, report, _ = split_rows(table, points, OPTIONS, seed=0)
    assert report["links"] == {"copies": 0, "near_copies": 0, "crops": 1, "refused": 0}
    assert split["group"][3] == split["group"][50]


def test_pictures_of_one_hash_are_kept_together_however_many():
    table, points = manifest(["a"] * 60 + ["b"] * 60)
    table.loc[10:39, "phash"] = "0" * 16
    _, report, _ = split_rows(table, points, options(largest_group=0.1), seed=0)
    assert report["largest_group"] == 30


def test_group_of_a_small_set_may_be_more_than_its_fraction():
    table, points = manifest(["a"] * 40 + ["b"] * 40)
    table.loc[10:25, "phash"] = [f"{2**i:016x}" for i in range(16)]
    _, report, _ = split_rows(table, points, options(largest_group=0.02), seed=0)
    assert (report["largest_group"], report["links"]["refused"]) == (16, 0)


@pytest.fixture
def copied():
    """A manifest of 100 pictures a class, 20 of which stand there five times."""
    labels = ["a"] * 100 + ["b"] * 100
    numbers = [f"{i // 5 if i % 100 < 50 else 1000 + i:064x}" for i in range(200)]
    return manifest(labels, numbers)


def test_report_says_what_parting_by_chance_would_leak(copied):
    _, report, _ = split_rows(*copied, OPTIONS, seed=0)
    assert report["leaks"]["here"] == 0
    assert report["leaks"]["if_parted_by_chance"] > 5


def test_look_alikes_are_parted_if_params_say_so(copied):
    table, report, _ = split_rows(*copied, options(keep_together=False), seed=0)
    leaked = table[table["split"] == "test"]["group"].isin(table[table["split"] != "test"]["group"])
    assert report["leaks"]["here"] == report["leaks"]["if_parted_by_chance"] == leaked.sum()


def test_pairs_that_leak_are_listed_each_once_those_of_this_split_first():
    names = pd.Series(["0.png", "1.png", "2.png", "3.png"])
    alike = {"copy": np.array([[0, 1]]), "near-copy": np.array([[0, 1], [1, 2]]), "crop": np.array([[2, 3], [0, 3]])}
    ways = {"here": np.array(["test", "test", "test", "train"]), "by_chance": np.array(["test", "train", "val", "val"])}
    assert list_leaks(names, alike, ways).to_dict("split", index=False) == {
        "columns": ["path", "other", "kind", "here", "by_chance"],
        "data": [
            ["2.png", "3.png", "crop", True, False],
            ["0.png", "3.png", "crop", True, True],
            ["0.png", "1.png", "copy", False, True],
        ],
    }


def test_leaks_of_a_manifest_are_pairs_of_its_paths(copied):
    table, report, leaks = split_rows(*copied, options(keep_together=False), seed=0)
    tested = dict(zip(table["path"], table["split"] == "test", strict=True))
    assert all(tested[path] != tested[other] for path, other in zip(leaks["path"], leaks["other"], strict=True))
    assert set(leaks["kind"]) == {"copy"}
    assert leaks["here"].all()
    assert report["leaks"]["here"] > 0


def test_without_look_alikes_there_are_no_leaks():
    _, _, leaks = split_rows(*manifest(["a"] * 40 + ["b"] * 40), OPTIONS, seed=0)
    assert leaks.columns.tolist() == ["path", "other", "kind", "here", "if_parted_by_chance"]
    assert leaks.empty
