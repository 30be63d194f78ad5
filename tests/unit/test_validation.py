import re

import pandas as pd
import pytest

from maskopt.data.rows import COLUMNS
from maskopt.params import Data, Validation

CLASSES = ("cat", "dog")
BOUNDS = Validation(min_side_px=16, max_side_px=8192)
DATASET = "vijaykumar1799/face-mask-detection"


def data(source="folder", classes=CLASSES, rows_per_class=3, dataset=DATASET):
    return Data(
        source=source, path=".", kaggle_dataset=dataset, classes=classes, rows_per_class=rows_per_class, about=None
    )


def manifest(rows=3, labels=CLASSES):
    """Return a table that breaks no expectation."""
    paths = [f"{label}/{row}.png" for label in labels for row in range(rows)]
    table = pd.DataFrame({"path": paths, "label": [path.split("/")[0] for path in paths]})
    table = table.assign(bytes=100, width_px=64, height_px=48, mode="RGB", phash="0123456789abcdef")
    table["sha256"] = [f"{i:064x}" for i in range(len(table))]
    return table[list(COLUMNS)]


def problems(table, options=None):
    from maskopt.data.validation import validate

    return validate(table, options or data(), BOUNDS).problems


def test_good_pictures_have_no_problems():
    assert problems(manifest()) == []


def test_any_number_of_rows_but_none_is_right_where_params_do_not_say():
    assert problems(manifest(), data(rows_per_class=None)) == []
    assert problems(manifest(labels=("cat",)), data(rows_per_class=None)) == ["dog has pictures: got 0"]


def test_wrong_number_of_rows_names_the_class():
    assert problems(manifest().drop(index=4)) == ["dog has 3 pictures (data.rows_per_class): got 2"]


SIDE = "is in [16, 8192] (validation.min_side_px, max_side_px)"


@pytest.mark.parametrize(
    ("column", "value", "claim"),
    [
        ("width_px", 1, f"width_px {SIDE}"),
        ("height_px", 9000, f"height_px {SIDE}"),
        ("bytes", 0, "no file is empty"),
        ("phash", "xyz", "phash is of 16 hexadecimal digits"),
        ("mode", float("nan"), "mode is never missing"),
    ],
)
def test_broken_value_names_row_and_value(column, value, claim):
    table = manifest()
    table.loc[1, column] = value
    assert problems(table) == [f"{claim}: 1 rows break this: cat/1.png ({value})"]


def test_unknown_label_is_named():
    table = manifest()
    table.loc[1, "label"] = "bird"
    assert "labels are cat, dog (data.classes): 1 rows break this: cat/1.png (bird)" in problems(table)


def test_path_that_comes_twice_is_named():
    table = manifest()
    table.loc[1, "path"] = "cat/0.png"
    assert problems(table) == ["each path is there once: 2 rows break this: cat/0.png, cat/0.png"]


def test_copies_across_classes_are_named():
    table = manifest()
    table.loc[3, "sha256"] = table.loc[0, "sha256"]
    assert "no file is in two classes, byte for byte: 2 rows break this: cat/0.png (2), dog/0.png (2)" in problems(
        table
    )


def test_copies_within_a_class_are_reported_and_stop_nothing(caplog):
    from maskopt.data.validation import validate

    table = manifest()
    table.loc[1, "sha256"] = table.loc[0, "sha256"]
    validated = validate(table, data(), BOUNDS)
    assert validated.problems == []
    claim = f"no file is twice in a class, byte for byte: 2 rows break this: cat/0.png ({'0' * 64}), cat/1.png"
    assert claim in caplog.text
    assert claim in validated.page
    [finding] = [finding for finding in validated.findings if not finding.holds]
    assert (finding.stops, finding.rows) == (False, 2)


def test_of_many_rows_five_are_named():
    table = manifest(rows=20)
    table["bytes"] = 0
    [problem] = problems(table, data(rows_per_class=20))
    assert problem.startswith("no file is empty: 40 rows break this: cat/0.png (0), cat/1.png (0), ")
    assert problem.endswith(", and 35 more")


def published():
    from maskopt.data.validation import PUBLISHED

    facts = pd.read_csv(PUBLISHED, dtype=str)
    table = pd.DataFrame({"path": facts["class"] + "/" + facts["file"], "label": facts["class"]})
    table = table.assign(bytes=facts["size"].astype(int), width_px=128, height_px=128, mode="RGB")
    return table.assign(sha256=facts["sha256"], phash="0123456789abcdef")[list(COLUMNS)]


KAGGLE_CLASSES = ("with_mask", "without_mask", "mask_weared_incorrect")


def test_the_published_files_are_as_the_paper_says():
    options = data("kaggle", KAGGLE_CLASSES, rows_per_class=2994)
    assert problems(published(), options) == []


def test_file_that_is_not_the_published_one_is_named():
    table = published()
    table.loc[table["path"] == "with_mask/7.png", "sha256"] = "f" * 64
    options = data("kaggle", KAGGLE_CLASSES, rows_per_class=2994)
    assert problems(table, options) == [
        "each file is, byte for byte, the published one: 1 rows break this: with_mask/7.png (False)"
    ]


def test_missing_published_file_is_told():
    options = data("kaggle", KAGGLE_CLASSES, rows_per_class=None)
    assert problems(published().drop(index=0), options) == ["all 8,982 published files are there: got 8981"]


@pytest.mark.parametrize("options", [data("kaggle", dataset="other/set"), data("archive")])
def test_other_pictures_are_not_compared_with_the_published(options):
    assert problems(manifest(), options) == []


def test_page_is_the_same_each_time_and_loads_nothing():
    from maskopt.data.validation import validate

    first, second = (validate(manifest(), data(), BOUNDS).page for _ in range(2))
    assert first == second
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|url\(['"]?http|@import""", first)
    assert "<li>everything holds</li>" in first


def test_nothing_is_sent(monkeypatch):
    import socket

    from maskopt.data.validation import validate

    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert validate(manifest(), data(), BOUNDS).problems == []


def test_usage_reports_are_off_whatever_the_user_set():
    import os

    import maskopt.data.gx  # noqa: F401

    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
