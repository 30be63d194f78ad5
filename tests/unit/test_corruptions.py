"""Pictures made worse: always the same way, more at a higher severity."""

import numpy as np
import pytest

from maskopt.measuring.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from maskopt.report.robustness import lay_out_robustness, list_robustness

N, SIDE = 8, 64


@pytest.fixture(scope="module")
def pictures():
    """Soft waves and one sharp edge, so that each corruption has something to spoil."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [128 + 50 * np.sin(3 * x + 2 * y + i) + 60 * (x + y > 0.7 + i / 50) for i in range(3 * N)]
    return np.stack(waves).reshape(N, 3, SIDE, SIDE).transpose(0, 2, 3, 1).clip(0, 255).astype(np.uint8)


def distance(one, other):
    return np.abs(one.astype(float) - other).mean()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_pictures_keep_their_shape_and_change_more_at_a_higher_severity(pictures, name):
    worse = [corrupt(pictures, range(N), name, severity) for severity in SEVERITIES]
    assert all(each.shape == pictures.shape and each.dtype == np.uint8 for each in worse)
    changes = [distance(each, pictures) for each in worse]
    assert (np.diff(changes) > 0).all()
    assert changes[0] > 0.4


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_happens_to_a_picture_follows_from_its_row_alone(pictures, name):
    together = corrupt(pictures, range(N), name, 2)
    alone = corrupt(pictures[5:6], [5], name, 2)
    np.testing.assert_array_equal(alone[0], together[5])


@pytest.mark.parametrize("name", ["noise", "rotated", "shifted"])
def test_random_choices_differ_between_rows(pictures, name):
    same = np.repeat(pictures[:1], 12, axis=0)
    assert len({each.tobytes() for each in corrupt(same, range(12), name, 2)}) > 1


def test_dark_pictures_have_the_part_of_light_that_is_said(pictures):
    dark = corrupt(pictures, range(N), "dark", 2)
    assert dark.mean() / pictures.mean() == pytest.approx(0.4, abs=0.01)


def test_noise_has_the_spread_that_is_said():
    grey = np.full((1, 64, 64, 3), 128, np.uint8)
    noisy = corrupt(grey, [0], "noise", 1)
    assert noisy.std() == pytest.approx(0.04 * 255, rel=0.05)


def test_shifted_pictures_show_the_same_elsewhere():
    dot = np.zeros((1, 64, 64, 3), np.uint8)
    dot[0, 30:34, 30:34] = 255
    moved = corrupt(dot, [0], "shifted", 3)[0, :, :, 0]
    assert moved.sum() == dot[0, :, :, 0].sum()
    centre = np.argwhere(moved).mean(axis=0)
    assert np.hypot(*(centre - 31.5)) == pytest.approx(0.2 * 64, abs=1)


@pytest.fixture
def metrics():
    """Two seeds of a network whose int8 file suffers from blur."""

    def record(float_blur, int8_blur):
        return {
            "formats": {
                "float32": {"accuracy": 0.9, "corrupted": {"blur": {"1": 0.8, "2": float_blur}}},
                "int8": {"accuracy": 0.9, "corrupted": {"blur": {"1": 0.8, "2": int8_blur}}},
            }
        }

    return {("net", "finetuned", 0): record(0.7, 0.5), ("net", "finetuned", 1): record(0.7, 0.6)}


def test_rows_are_means_over_seeds_with_points_from_the_float_model(metrics):
    rows = list_robustness(metrics).set_index(["format", "corruption", "severity"])
    assert rows.loc[("int8", "blur", 2), "accuracy"] == pytest.approx(0.55)
    assert rows.loc[("int8", "blur", 2), "points"] == pytest.approx(-15)
    assert rows.loc[("int8", "clean", 0), "points"] == 0


def test_table_has_means_over_severities(metrics):
    table = lay_out_robustness(list_robustness(metrics))
    assert table.to_dict("records") == [
        {
            "network": "net",
            "variant": "finetuned",
            "format": "float32",
            "clean": "90.0% (+0.0)",
            "blur": "75.0% (+0.0)",
        },
        {"network": "net", "variant": "finetuned", "format": "int8", "clean": "90.0% (+0.0)", "blur": "67.5% (-7.5)"},
    ]


def test_nothing_corrupted_gives_no_rows():
    assert list_robustness({("net", "finetuned", 0): {"formats": {"int8": {"accuracy": 0.9}}}}).empty
