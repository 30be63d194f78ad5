import numpy as np
import pytest
from sklearn import metrics

from maskopt.measuring.intervals import wilson_interval
from maskopt.measuring.measure import assess, summarize_weights
from maskopt.tflite.inspection import read_graph

CLASSES = ("with", "without", "wrong")


@pytest.fixture
def answers(rng):
    """Scores, and predicted and true classes of 90 pictures, about two in three right."""
    labels = np.repeat(np.arange(3), 30)
    predicted = np.where(rng.random(90) < 0.6, labels, rng.integers(0, 3, 90))
    return scores_of(predicted), predicted, labels


def scores_of(predicted):
    """Scores of three classes, the predicted one's the largest."""
    return np.where(np.arange(3) == np.asarray(predicted)[:, None], 0.5, 0.25).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_accuracy_is_that_of_scikit_learn(answers):
    scores, predicted, labels = answers
    quality = assess(scores, labels, CLASSES)
    assert quality.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted), abs=1e-6)
    assert quality.correct == metrics.accuracy_score(labels, predicted, normalize=False)
    assert quality.total == 90


def test_recall_is_that_of_scikit_learn(answers):
    scores, predicted, labels = answers
    expected = metrics.recall_score(labels, predicted, average=None)
    quality = assess(scores, labels, CLASSES)
    assert list(quality.recall) == list(CLASSES)
    assert list(quality.recall.values()) == pytest.approx(expected, abs=1e-6)
    hits = metrics.confusion_matrix(labels, predicted).diagonal()
    ends = [(quality.recall_low[name], quality.recall_high[name]) for name in CLASSES]
    assert ends == [wilson_interval(hit, 30) for hit in hits]


def test_confusion_is_that_of_scikit_learn(answers):
    scores, predicted, labels = answers
    confusion = assess(scores, labels, CLASSES).confusion
    matrix = [[confusion[true][said] for said in CLASSES] for true in CLASSES]
    assert matrix == metrics.confusion_matrix(labels, predicted).tolist()


def test_recall_of_a_class_without_pictures_is_none():
    quality = assess(scores_of([0, 1]), np.array([0, 0]), CLASSES)
    assert quality.recall == {"with": 0.5, "without": None, "wrong": None}
    assert quality.recall_low["without"] is quality.recall_high["without"] is None


# Source: https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html, first example.
def test_macro_f1_is_that_of_a_published_example():
    assert assess(scores_of([0, 2, 1, 0, 0, 1]), np.array([0, 1, 2, 0, 1, 2]), CLASSES).macro_f1 == 0.266667


# Source: https://scikit-learn.org/stable/modules/generated/sklearn.metrics.classification_report.html, first example.
def test_macro_f1_counts_small_classes_as_much_as_large_ones():
    quality = assess(scores_of([0, 0, 2, 2, 1]), np.array([0, 1, 2, 2, 2]), CLASSES)
    assert quality.macro_f1 == pytest.approx((2 / 3 + 0 + 4 / 5) / 3, abs=1e-6)


def test_calibration_error_is_how_far_the_model_is_from_its_word():
    scores = np.tile(np.array([0.875, 0.0625, 0.0625], np.float32), (5, 1))
    quality = assess(scores, np.array([0, 0, 0, 0, 1]), CLASSES)
    assert quality.calibration_error == pytest.approx(0.875 - 0.8)


# Source: Newcombe 1998, table I, method 3, as below: 81 of 263.
def test_interval_of_accuracy_is_that_of_a_published_table():
    labels = np.repeat([0, 1, 2], [81, 150, 32])
    quality = assess(scores_of([0] * 263), labels, CLASSES)
    assert (quality.accuracy_low, quality.accuracy_high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


# Source: Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3.
@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_interval_is_that_of_a_published_table(correct, total, low, high):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_planted_zeros_and_clusters_are_summarised(tiny_files):
    weights = summarize_weights(read_graph(tiny_files.int8))
    assert (weights.sparsity, weights.min_sparsity, weights.max_values_per_channel) == (0.25, 0.25, 4)
