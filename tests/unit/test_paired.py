import tracemalloc

import numpy as np
import pytest

from maskopt.report.paired import Difference, compare


def answers(both, only_first, only_second, neither):
    """Whether each of two models is right, of one seed, from the four counts."""
    counts = (both, only_first, only_second, neither)
    first = np.repeat([True, True, False, False], counts)
    second = np.repeat([True, False, True, False], counts)
    return first[None], second[None]


# Source: Agresti 2002, Categorical Data Analysis, 2nd ed., table 10.1 and section 10.1.1: approval ratings,
# 944 and 880 of 1600; difference -0.04 with 95% interval -0.06 to -0.02; McNemar's z squared is 17.36.
def test_difference_is_that_of_a_published_example():
    difference = compare(*answers(794, 86, 150, 570))
    assert difference.points == pytest.approx(-4.0)
    assert (difference.low, difference.high) == pytest.approx((-5.87, -2.13), abs=0.1)
    assert difference.p_value == pytest.approx(3.1e-5, rel=0.3)  # of z squared; ours is exact


def test_p_is_that_of_a_fair_coin():
    assert compare(*answers(90, 2, 8, 0)).p_value == pytest.approx(2 * (1 + 10 + 45) / 2**10)


def test_same_answers_show_no_difference():
    right = np.array([[True, False, True]])
    assert compare(right, right) == Difference(0.0, 0.0, 0.0, 1.0)


def test_several_seeds_are_compared_by_their_mean_of_each_picture():
    right = np.array([[True] * 10 + [False] * 90, [False] * 100])
    reference = np.zeros((2, 100), bool)
    difference = compare(right, reference)
    assert difference.points == pytest.approx(5.0)
    assert (difference.low, difference.high) == pytest.approx((2.5, 8.0), abs=0.6)  # 10 of 100, halved
    assert difference.p_value < 0.01  # 2 of 2**10 ways to give ten pictures a sign


def test_draws_are_not_all_held_at_once(monkeypatch):
    right, reference = answers(794, 86, 150, 570)
    seeds = np.repeat(right, 2, axis=0), np.repeat(reference, 2, axis=0)
    whole = compare(*seeds)
    monkeypatch.setattr("maskopt.report.paired.DRAWS_AT_ONCE", 16_000)  # ten of 9,999
    tracemalloc.start()
    assert compare(*seeds) == whole
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 9_999 * 1600


def test_seeds_that_disagree_show_no_difference():
    right = np.array([[True, True, False, False] * 5, [False, False, True, True] * 5])
    reference = np.array([[True, False, True, False] * 5] * 2)
    assert compare(right, reference).p_value > 0.5


def test_spread_is_that_of_the_seeds_differences():
    """Of seeds that are right about 100, 50 and 90 of 100 pictures, the reference about 80, 60 and 70."""
    right, reference = (np.arange(100) < np.array(counts)[:, None] for counts in ([100, 50, 90], [80, 60, 70]))
    assert compare(right, reference).sd == pytest.approx(300**0.5)  # of 20, -10, 20; mean 10
    assert np.isnan(compare(right[:1], reference[:1]).sd)


def test_seeds_that_cancel_out_have_a_spread():
    right = np.array([[True, True, True, False], [False, False, False, True]])
    reference = ~right
    difference = compare(right, reference)
    assert (difference.points, difference.sd) == (0.0, pytest.approx(5000**0.5))  # of 50 and -50


def test_first_seed_alone_decides_nothing():
    right, reference = np.zeros((2, 100), bool), np.zeros((2, 100), bool)
    right[0, :4], reference[1, 10:40] = True, True
    assert compare(right[:1], reference[:1]).words.startswith("no difference shown")  # p is 2 / 2**4
    assert compare(right, reference).words.startswith("worse by 13.0 ")
    reference[1, 40:] = True
    right[0, 10:90] = True
    assert compare(right[:1], reference[:1]).words.startswith("better by 84.0 (")
    assert compare(right, reference).words.startswith("no difference shown")


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (Difference(-1.23, -2.1, -0.4, 0.01), "worse by 1.2 (0.4 to 2.1)"),
        (Difference(1.23, 0.4, 2.1, 0.01), "better by 1.2 (0.4 to 2.1)"),
        (Difference(-1.0, -2.5, 0.4, 0.2), "no difference shown (-2.5 to +0.4)"),
        (Difference(-1.5, -3.0, -0.2, 0.062), "no difference shown (-3.0 to -0.2, p = 0.062)"),
        (Difference(-1.23, -2.1, -0.4, 0.01, 3.37), "worse by 1.2 ± 3.4 (0.4 to 2.1)"),
        (Difference(-1.0, -2.5, 0.4, 0.2, 0.0), "no difference shown: -1.0 ± 0.0 (-2.5 to +0.4)"),
    ],
)
def test_difference_in_words(difference, words):
    assert difference.words == words
