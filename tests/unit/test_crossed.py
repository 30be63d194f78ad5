"""Folds, and the stage that asks a network about pictures it has not learned from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from maskopt import paths
from maskopt.data.folds import draw_folds
from maskopt.errors import CannotFold
from maskopt.params import CrossValidation, Phase, Trunk, load_params
from maskopt.report.crossed import measure_gain
from maskopt.stages import crossed

REPOSITORY = Path(__file__).parents[2]
CLASSES = ("cat", "dog")
LABELS = np.array(["cat", "dog"] * 20)
GROUPS = np.arange(40) // 4


def test_each_row_is_asked_about_once_and_is_on_one_side_of_a_fold():
    folds = list(draw_folds(LABELS, GROUPS, 5, 0))
    assert sorted(row for fold in folds for row in fold.asked) == list(range(40))
    for fold in folds:
        assert sorted([*fold.train, *fold.val, *fold.asked]) == list(range(40))


def test_look_alikes_are_on_one_side_and_classes_are_spread_evenly():
    for fold in draw_folds(LABELS, GROUPS, 5, 0):
        sides = [set(GROUPS[rows]) for rows in (fold.train, fold.val, fold.asked)]
        assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]
        assert (LABELS[fold.asked] == "cat").mean() == 0.5


def test_class_with_fewer_groups_than_folds_is_told():
    labels = np.array(["cat"] * 6 + ["dog"] * 20)
    with pytest.raises(CannotFold) as told:
        list(draw_folds(labels, np.maximum(np.arange(26), 2), 5, 0))  # four groups of cats
    assert str(told.value) == (
        "'cat' cannot be spread over cross-validation: want 5 groups of look-alikes, one for each of "
        "cross_validation.folds, got 4. Give more pictures, or in params.yaml lower cross_validation.folds, which is 3 "
        "at least, or set cross_validation.network to null"
    )


def test_folds_follow_from_the_seed():
    def asked(seed):
        return [fold.asked.tolist() for fold in draw_folds(LABELS, GROUPS, 5, seed)]

    assert asked(0) == asked(0) != asked(1)


@pytest.fixture
def run_stage(tmp_path, monkeypatch):
    """A function that runs the stage on 96 pictures of two classes, red and blue, of which one is labelled wrongly."""
    params = load_params(REPOSITORY / "params.yaml")
    monkeypatch.chdir(tmp_path)
    labels = np.array(CLASSES * 48)
    pictures = np.random.default_rng(0).integers(0, 120, (96, 16, 16, 3), np.uint8)
    pictures[labels == "cat", :, :, 0] += 100
    pictures[labels == "dog", :, :, 2] += 100
    labels[8] = "dog"
    paths.PIXELS.mkdir(parents=True)
    np.save(paths.pixels(16), pictures)
    rows = pd.DataFrame({"path": [f"{i}.png" for i in range(96)], "label": labels, "split": "train"})
    rows.loc[80:, "split"] = "val"
    paths.SPLITS.mkdir()
    rows.assign(group=np.arange(96) // 2).to_csv(paths.split(0), index=False)

    def run(way, network="separable"):
        trunk = Trunk(architecture="separable", width=0.5, depth=1, until=None)
        phase = Phase(epochs=12, learning_rate=0.02)
        small = params.networks["separable"].model_copy(
            update={"trunk": trunk, "size_px": 16, "baseline": phase, "finetune": Phase(epochs=2, learning_rate=0.001)}
        )
        changes = {
            "data": params.data.model_copy(update={"classes": CLASSES}),
            "networks": {"separable": small},
            "training": params.training.model_copy(update={"batch_size": 4}),
            "cross_validation": CrossValidation(network=network, folds=3),
        }
        crossed.main(params.model_copy(update=changes), way)
        return pd.read_csv(paths.crossed(way))

    return run


def test_stage_without_a_network_writes_that_nothing_was_asked(run_stage):
    rows = run_stage("together", None)
    assert rows.columns.tolist() == ["path", "label", "cat", "dog"]
    assert rows.empty


def test_stage_asks_about_each_picture_and_finds_the_label_that_is_wrong(run_stage):
    rows = run_stage("together")
    assert rows["path"].tolist() == [f"{i}.png" for i in range(96)]
    np.testing.assert_allclose(rows[["cat", "dog"]].sum(axis=1), 1, atol=1e-5)
    likely = np.where(rows["label"] == "cat", rows["cat"], rows["dog"])
    assert likely[8] < 0.5
    assert (likely > 0.5).sum() >= 80  # of 96; which others are doubted differs between processors
    assert not paths.unfinished("crossed@together").exists()


@pytest.mark.parametrize(("way", "are_parted"), [("together", False), ("parted", True)])
def test_look_alikes_are_in_two_folds_where_chance_parts_them_alone(run_stage, monkeypatch, way, are_parted):
    asked = []

    def note(_params, _network, folds, labels, _stage):
        asked.extend(fold.asked for fold in folds)
        return np.zeros((len(labels), 2), np.float32)

    monkeypatch.setattr("maskopt.stages.crossing.cross", note)
    run_stage(way)
    groups = pd.read_csv(paths.split(0))["group"].to_numpy()
    assert sorted(np.concatenate(asked)) == list(range(96))
    assert (sum(len(set(groups[rows])) for rows in asked) > len(set(groups))) == are_parted


def test_network_has_not_seen_what_it_is_asked_about(run_stage, monkeypatch):
    from maskopt.stages import crossing

    trained, asked = [], []

    def note(_model, _trainer, pictures):
        asked.append(pictures)
        return np.zeros((len(pictures), 2), np.float32)

    monkeypatch.setattr(crossing, "fit_baseline", lambda _model, trainer, *_: trained.append(trainer))
    monkeypatch.setattr(crossing.Trainer, "fit", lambda *_: None)
    monkeypatch.setattr(crossing, "_ask", note)
    run_stage("together")
    for trainer, pictures in zip(trained, asked, strict=True):
        sides = [{each.tobytes() for each in side} for side in (trainer.train.pixels, trainer.val.pixels, pictures)]
        assert len(set.union(*sides)) == sum(map(len, sides)) == 96


def test_gain_is_the_difference_on_the_same_pictures():
    together = pd.DataFrame({"path": list("abcd") * 5, "label": "cat", "cat": [0.9, 0.9, 0.9, 0.2] * 5})
    together["dog"] = 1 - together["cat"]
    parted = together.assign(cat=0.9, dog=0.1)
    gain = measure_gain(together, parted)
    assert (gain.together, gain.parted, gain.difference.points) == (0.75, 1, 25)
    assert gain.difference.p_value == pytest.approx(2 / 2**5)  # five pictures, all changed one way
