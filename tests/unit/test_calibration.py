import numpy as np
import pytest

from maskopt.measuring.calibration import N_BINS, bin_by_confidence, calibration_error

# Worked by hand: bins of 1/15; 0.62 and 0.65 fall into one, 0.95 into another.
CONFIDENCE = np.array([0.62, 0.65, 0.95])
RIGHT = np.array([True, False, True])


def test_bins_hold_means():
    bins = bin_by_confidence(CONFIDENCE, RIGHT)
    assert bins.to_numpy() == pytest.approx(np.array([[0.635, 0.5, 2], [0.95, 1, 1]]))


def test_error_is_the_mean_distance_over_pictures():
    assert calibration_error(CONFIDENCE, RIGHT) == pytest.approx((2 * 0.135 + 0.05) / 3)


def test_error_of_honest_confidence_is_near_nothing_and_of_doubled_doubt_is_not():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(1 / 3, 1, 100_000)
    right = rng.random(100_000) < confidence
    assert calibration_error(confidence, right) < 0.01
    assert calibration_error(confidence / 2, right) == pytest.approx(confidence.mean() / 2, abs=0.01)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_ends_belong_to_a_bin(confidence):
    assert bin_by_confidence(np.full(3, confidence), np.ones(3, bool))["pictures"].tolist() == [3]


def test_there_are_as_many_bins_as_in_the_source():
    spread = (np.arange(N_BINS) + 0.5) / N_BINS
    assert len(bin_by_confidence(spread, spread > 0)) == 15
