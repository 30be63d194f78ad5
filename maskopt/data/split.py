"""Manifest and key points -> train, val and test, look-alikes on one side."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt import paths
from maskopt.data.crops import find_crops
from maskopt.data.key_points import KeyPoints
from maskopt.data.likeness import find_copies, find_near_copies, join
from maskopt.errors import CannotSplit
from maskopt.params import Split

SIDES = ("train", "val", "test")
NAMED = 3  # pairs that a message names
LARGEST_AT_LEAST = 20  # rows: in a small set, a fraction of it would part the crops of one photograph
LEFT_APART = """\
%d pairs of pictures look alike, but may stand on both sides of the split: kept together, they would form groups of \
more than %d pictures. Among drawn or rendered pictures that is chance, and nothing need be done. Among \
photographs, look at some: where both show the same scene, test accuracy may come out too high, and \
split.largest_group in params.yaml should be raised; else it does no harm. Those with one picture in test are in \
%s; first: %s\
"""

logger = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Sides = npt.NDArray[np.str_]
Report = dict[str, Any]


def split_rows(
    manifest: pd.DataFrame, points: KeyPoints, options: Split, seed: int
) -> tuple[pd.DataFrame, Report, pd.DataFrame]:
    """Return path, label, split and group of each row of the manifest, a report on likeness and sizes, and the leaks.

    Args:
        manifest: N rows.
        points: (N, P) of `KEY_POINT`.
        options: fractions, and what counts as alike.
        seed: of the choice between train and val. The test rows depend on the manifest and `options` only.

    Raises:
        CannotSplit: a side gets no row of a class.
    """
    hashes = manifest["phash"].to_list()
    copies = find_copies(manifest["sha256"].to_list())
    near_copies = find_near_copies(hashes, options.hash_distance_bits)
    crops = find_crops(points, options.crop_places)
    largest = max(LARGEST_AT_LEAST, int(options.largest_group * len(manifest)))
    certain = np.concatenate([copies, find_near_copies(hashes, 0)])
    groups, refused = join(len(manifest), certain, [near_copies, crops], largest)
    if len(refused):
        named = ", ".join(" and ".join(pair) for pair in manifest["path"].to_numpy()[refused[:NAMED]])
        logger.warning(LEFT_APART, len(refused), largest, paths.leaks(seed), named)
    labels = pd.factorize(manifest["label"], sort=True)[0]
    parted = assign_sides(labels, np.arange(len(labels)), options, seed)
    sides = assign_sides(labels, groups, options, seed) if options.keep_together else parted
    table = manifest[["path", "label"]].assign(split=sides, group=groups)
    _check(table)
    links = {"copies": len(copies), "near_copies": len(near_copies), "crops": len(crops), "refused": len(refused)}
    ways = {"here": sides, "if_parted_by_chance": parted}
    leaks = {way: count_leaks(groups, refused, chosen) for way, chosen in ways.items()}
    report = {"links": links, "leaks": leaks} | _describe(table)
    logger.info("%d pictures in %d groups -> %s", len(table), report["groups"], report["sizes"])
    alike = {"copy": copies, "near-copy": near_copies, "crop": crops}
    return table, report, list_leaks(manifest["path"], alike, ways)


def assign_sides(labels: Ints, groups: Ints, options: Split, seed: int) -> Sides:
    """Return (N,) of `SIDES`.

    Args:
        labels: (N,), class index.
        groups: (N,), rows of equal number are not parted.
        options: fractions, and the seed of the test side.
        seed: of the choice between train and val.
    """
    counts = np.bincount(labels)
    sides = np.full(len(labels), "train", dtype="<U5")
    test = _draw(labels, groups, _wish(counts, options.test), np.random.default_rng(options.test_seed))
    rest = np.flatnonzero(~test)
    rng = np.random.default_rng([seed, options.test_seed])
    sides[test] = "test"
    sides[rest[_draw(labels[rest], groups[rest], _wish(counts, options.val), rng)]] = "val"
    return sides


def count_leaks(groups: Ints, refused: Ints, sides: Sides) -> int:
    """Return how many test rows have a look-alike that is trained with, or that training is stopped by.

    Args:
        groups: (N,), rows of equal number are alike.
        refused: (R, 2), rows that are alike across groups.
        sides: (N,) of `SIDES`.
    """
    test = sides == "test"
    leaked = test & np.isin(groups, groups[~test])
    ours, others = np.concatenate([refused, refused[:, ::-1]]).T
    leaked[ours[test[ours] & ~test[others]]] = True
    return int(leaked.sum())


def list_leaks(names: "pd.Series[str]", alike: Mapping[str, Ints], ways: Mapping[str, Sides]) -> pd.DataFrame:
    """Return a row per pair of look-alikes one of which is a test row: path, other, kind, and for each way if it is so.

    Pairs that leak the first way stand first, then in the order they are given.

    Args:
        names: (N,), paths.
        alike: kind -> (M, 2), rows that are alike; a pair is of the first kind that holds it.
        ways: name -> (N,) of `SIDES`.
    """
    kinds = [pd.DataFrame(pairs, columns=["path", "other"]).assign(kind=kind) for kind, pairs in alike.items()]
    pairs = pd.concat(kinds).drop_duplicates(["path", "other"])
    for way, sides in ways.items():
        pairs[way] = (sides[pairs["path"]] == "test") != (sides[pairs["other"]] == "test")
    leaks = pairs[pairs[list(ways)].any(axis=1)].sort_values(next(iter(ways)), ascending=False, kind="stable")
    return leaks.assign(path=names.to_numpy()[leaks["path"]], other=names.to_numpy()[leaks["other"]])


def _wish(counts: Ints, fraction: float) -> Ints:
    """Return (K,): how many rows of each class a side should get, one at least."""
    wish: Ints = np.maximum(np.rint(counts * fraction).astype(np.int64), 1)
    return wish


def _draw(labels: Ints, groups: Ints, wanted: Ints, rng: np.random.Generator) -> Bools:
    """Return (N,): whole groups with at most, and as near as can be, `wanted` (K,) rows of each class.

    Groups of several rows get the same chance as single rows, so that no side is poor in them; single rows then fill
    up to the wished number, and only where they are too few, more groups.
    """
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    members = [members[i] for i in rng.permutation(len(members))]
    lucky = rng.random(len(members)) < wanted.sum() / len(labels)
    turn = np.where([len(rows) == 1 for rows in members], 1, np.where(lucky, 0, 2))
    drawn, missing = np.zeros(len(labels), bool), wanted.copy()
    for i in np.argsort(turn, kind="stable"):
        count = np.bincount(labels[members[i]], minlength=len(wanted))
        if (count <= missing).all():
            drawn[members[i]] = True
            missing -= count
    return drawn


def _check(table: pd.DataFrame) -> None:
    for label, rows in table.groupby("label"):
        for side in SIDES:
            if side not in set(rows["split"]):
                raise CannotSplit(str(label), side, len(rows), rows["group"].nunique())


def _describe(table: pd.DataFrame) -> Report:
    """Return counts of groups and of rows, for people and for `dvc metrics diff`."""
    group_rows = table["group"].value_counts()
    classes = table.groupby(["label", "split"]).size().unstack(fill_value=0)
    return {
        "pictures": len(table),
        "groups": len(group_rows),
        "largest_group": int(group_rows.max()),
        "pictures_with_look_alikes": int(group_rows[group_rows > 1].sum()),
        "groups_across_classes": int((table.groupby("group")["label"].nunique() > 1).sum()),
        "sizes": {side: int((table["split"] == side).sum()) for side in SIDES},
        "classes": {str(label): {side: int(row.get(side, 0)) for side in SIDES} for label, row in classes.iterrows()},
    }
