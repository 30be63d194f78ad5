"""What file facts alone tell of a class."""

import json

import numpy as np
import pandas as pd
import pytest

from maskopt import paths
from maskopt.data.rows import Row
from maskopt.params import load_params
from maskopt.report.shortcuts import lay_out_shortcuts, list_shortcuts, warn
from maskopt.shortcuts import TOGETHER, is_far_above, list_facts, probe
from maskopt.stages import shortcuts

N = 150
LABELS = ["mask", "none", "wrong"] * (N // 3)


@pytest.fixture(autouse=True)
def small_forest(monkeypatch):
    monkeypatch.setattr("maskopt.shortcuts.TREES", 25)


@pytest.fixture
def manifest():
    """The class shows in the bytes of a file, not in its size or mode."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 100, N) + 200 * np.arange(N) % 600
    rows = [
        Row(f"{label}/{i}.png", label, int(sizes[i]), int(rng.integers(60, 70)), 64, ("RGB", "L")[i % 2], "", "")
        for i, label in enumerate(LABELS)
    ]
    return pd.DataFrame(map(vars, rows))


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (N, 4, 4, 3), np.uint8)


@pytest.fixture
def found(manifest, pixels):
    return probe(list_facts(manifest, pixels), LABELS, range(N))


def test_fact_that_tells_the_class_is_found(found):
    assert found["bytes"].accuracy > 0.95
    assert found[TOGETHER].accuracy > 0.9
    assert is_far_above(found["bytes"], 1 / 3)


def test_facts_that_tell_nothing_are_near_chance(found):
    for name in ("size", "mode", "mean colour"):
        assert abs(found[name].accuracy - 1 / 3) < 0.12
        assert not is_far_above(found[name], 1 / 3)


@pytest.mark.parametrize("name", ["size", "mode", "mean colour"])
def test_each_fact_is_found_where_it_tells_the_class(name, manifest, pixels):
    numbers = np.arange(N) % 3  # of the classes
    told = {
        "size": manifest.assign(height_px=64 + numbers),
        "mode": manifest.assign(mode=np.array(["RGB", "L", "P"])[numbers]),
        "mean colour": manifest,
    }[name]
    shades = (40 * numbers[:, None, None, None] + pixels % 8).astype(np.uint8) if name == "mean colour" else pixels
    assert probe(list_facts(told, shades), LABELS, range(N))[name].accuracy > 0.95


def test_fact_that_tells_a_rare_class_is_far_above_chance():
    labels = ["ok"] * 138 + ["bad"] * 12
    facts = {"bytes": pd.DataFrame({"bytes": [0] * 138 + [9] * 12})}
    assert is_far_above(probe(facts, labels, range(N))["bytes"], 138 / N)


def test_few_pictures_are_parted_into_fewer_folds():
    facts = {"bytes": pd.DataFrame({"bytes": range(8)})}
    assert 0 <= probe(facts, ["a", "b"] * 4, range(8))["bytes"].accuracy <= 1
    assert 0 <= probe(facts, ["a", "b"] * 4, [0, 0, 0, 1, 1, 1, 2, 2])["bytes"].accuracy <= 1


def test_mean_colour_is_that_of_the_pictures(manifest, pixels):
    pixels[3] = (10, 20, 30)
    assert list_facts(manifest, pixels)["mean colour"].iloc[3].tolist() == [10, 20, 30]


def test_colour_that_follows_the_class_is_found(manifest, pixels):
    pixels[::3] //= 2
    assert probe(list_facts(manifest, pixels), LABELS, range(N))["mean colour"].accuracy > 0.5


def test_look_alikes_are_not_learned_from():
    """Each picture stands there ten times with its bytes: only a copy could tell its class."""
    fact = pd.DataFrame({"bytes": np.arange(30).repeat(10)})
    labels = [str(label) for label in np.random.default_rng(0).permutation(np.arange(30) % 3).repeat(10)]
    assert probe({"bytes": fact}, labels, range(300))["bytes"].accuracy > 0.9
    assert probe({"bytes": fact}, labels, np.arange(30).repeat(10))["bytes"].accuracy < 0.6


def test_stage_writes_what_the_report_shows(manifest, pixels, tmp_path, monkeypatch):
    params = load_params(paths.PARAMS)
    monkeypatch.chdir(tmp_path)
    paths.PIXELS.mkdir(parents=True)
    paths.SPLITS.mkdir()
    manifest.to_csv(paths.MANIFEST, index=False)
    manifest[["path", "label"]].assign(split="train", group=range(N)).to_csv(paths.split(0), index=False)
    np.save(paths.pixels(64), pixels)
    shortcuts.main(params)

    rows = list_shortcuts(json.loads(paths.SHORTCUTS.read_text()))
    assert rows["fact"].tolist() == ["bytes", "size", "mode", "mean colour", TOGETHER]
    assert rows["far_above_chance"].tolist() == [True, False, False, False, True]
    assert set(rows["chance"]) == {0.3333}


def test_stage_keeps_look_alikes_together_and_takes_the_largest_class_for_chance(tmp_path, monkeypatch):
    """Only the bytes differ, those of one class, all of whose pictures are copies: none is there to learn from."""
    params = load_params(paths.PARAMS)
    monkeypatch.chdir(tmp_path)
    paths.PIXELS.mkdir(parents=True)
    paths.SPLITS.mkdir()
    labels = ["mask"] * 90 + ["none"] * 40 + ["wrong"] * 20
    rows = [Row(f"{i}.png", label, 900 if i >= 130 else 100, 64, 64, "RGB", "", "") for i, label in enumerate(labels)]
    manifest = pd.DataFrame(map(vars, rows))
    manifest.to_csv(paths.MANIFEST, index=False)
    groups = [*range(130), *[130] * 20]
    manifest[["path", "label"]].assign(split="train", group=groups).to_csv(paths.split(0), index=False)
    np.save(paths.pixels(64), np.zeros((N, 4, 4, 3), np.uint8))
    shortcuts.main(params)

    record = json.loads(paths.SHORTCUTS.read_text())
    assert record["chance"] == 0.6  # 90 of 150
    assert {name: found["accuracy"] for name, found in record["facts"].items()} == dict.fromkeys(record["facts"], 0.6)
    assert not any(found["far_above_chance"] for found in record["facts"].values())


@pytest.fixture
def record():
    return {
        "chance": 0.3333,
        "facts": {
            "bytes": {
                "accuracy": 0.6012,
                "accuracy_low": 0.58,
                "accuracy_high": 0.62,
                "far_above_chance": True,
            },
            "mode": {
                "accuracy": 0.3333,
                "accuracy_low": 0.31,
                "accuracy_high": 0.35,
                "far_above_chance": False,
            },
        },
    }


def test_table_has_intervals_and_chance(record):
    assert lay_out_shortcuts(list_shortcuts(record)).to_dict("records") == [
        {"what is known": "bytes", "tells the class (95%)": "60.1% (58.0% to 62.0%)", "chance": "33.3%"},
        {"what is known": "mode", "tells the class (95%)": "33.3% (31.0% to 35.0%)", "chance": "33.3%"},
    ]


def test_warning_names_what_is_far_above_chance(record):
    assert warn(list_shortcuts(record)) == (
        "**Warning:** file facts alone tell the class far more often than chance: bytes 60.1%. A network can be right "
        "for that reason, and wrong on pictures of another source.\n"
    )


def test_nothing_is_said_where_nothing_is_far_above_chance(record):
    del record["facts"]["bytes"]
    assert warn(list_shortcuts(record)) == ""
