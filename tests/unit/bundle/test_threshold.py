"""How sure an answer must be not to be shown as unsure."""

import numpy as np
import pytest

from maskopt.bundle.threshold import choose_threshold, share_unsure


def test_threshold_is_the_lowest_that_leaves_enough_right():
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], np.float32)
    assert choose_threshold(scores, np.array([0, 0, 1, 0]), 0.75) == 0
    assert choose_threshold(scores, np.array([0, 0, 1, 1]), 1.0) == pytest.approx(0.75)
    assert choose_threshold(scores, np.array([1, 1, 1, 1]), 0.5) == 1


def test_threshold_parts_no_equal_confidences():
    scores = np.array([[0.9, 0.1], [0.75, 0.25], [0.75, 0.25], [0.5, 0.5]], np.float32)
    assert choose_threshold(scores, np.array([0, 0, 1, 0]), 1.0) == pytest.approx(0.825)
    assert choose_threshold(scores[1:3], np.array([0, 1]), 1.0) == 1  # one of equals is wrong
    assert choose_threshold(scores[1:3], np.array([0, 0]), 1.0) == 0


def test_threshold_between_neighbours_is_neither():
    lower = np.nextafter(np.float32(1), np.float32(0))
    scores = np.array([[1, 0], [lower, 0]], np.float32)
    assert lower < choose_threshold(scores, np.array([0, 1]), 1.0) < 1


def test_share_is_of_the_answers_under_the_threshold():
    scores = np.array([[0.9, 0.1], [0.25, 0.75], [0.75, 0.25], [0.6, 0.4]], np.float32)
    assert [share_unsure(scores, below) for below in (0, 0.75, 0.8, 1)] == [0, 0.25, 0.75, 1]


def test_threshold_between_neighbours_parts_them():
    upper = np.nextafter(np.float32(1), np.float32(0))
    scores = np.array([[upper, 0], [np.nextafter(upper, np.float32(0)), 0]], np.float32)
    assert share_unsure(scores, choose_threshold(scores, np.array([0, 1]), 1.0)) == 0.5
