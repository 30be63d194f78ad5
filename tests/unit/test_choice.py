"""Which model a report says to ship."""

import pytest

from maskopt.report.choice import choose, lay_out_validation, list_validation, say_choice

CLASSES = {"cat": 40, "dog": 60}  # validation pictures


def figures_of(val_accuracy, gzip_bytes, accuracy=0.9):
    test = {"accuracy": accuracy, "accuracy_low": accuracy - 0.05, "accuracy_high": accuracy + 0.03}
    return {"val_accuracy": val_accuracy, "unsure_share": 0.126, "gzip_bytes": gzip_bytes, **test}


# Standard error of 0.9 with 100 pictures: sqrt(0.9 * 0.1 / 100) = 0.03.
@pytest.mark.parametrize(("val_accuracy", "smallest"), [(0.88, "pcqat"), (0.86, "qat")])
def test_smallest_is_within_one_standard_error_of_the_best(val_accuracy, smallest):
    figures = {("net", "qat"): figures_of(0.9, 2000), ("net", "pcqat"): figures_of(val_accuracy, 1000)}
    assert choose(figures, 100) == (("net", "qat"), ("net", smallest))


def test_test_pictures_choose_nothing():
    figures = {("net", "qat"): figures_of(0.9, 2000, accuracy=0.5), ("net", "pqat"): figures_of(0.8, 3000, accuracy=1)}
    assert choose(figures, 100)[0] == ("net", "qat")


def test_more_pictures_leave_less_noise():
    figures = {("net", "qat"): figures_of(0.9, 2000), ("net", "pcqat"): figures_of(0.88, 1000)}
    assert choose(figures, 10_000)[1] == ("net", "qat")


def test_answer_names_figures_and_the_command_that_ships():
    metrics = {
        ("net", "finetuned"): {"formats": {"float32": figures_of(0.99, 9000), "int8": figures_of(0.9, 3000)}},
        ("net", "pcqat"): {"formats": {"int8": figures_of(0.89, 1000)}},
    }
    said = say_choice(metrics, CLASSES, drawn=False)
    assert "- The best: `net/finetuned`, 3,000 gzip bytes, right about 90.00% of the validation pictures and" in said
    assert "  test pictures (85.0 to 93.0), unsure about 12.6% of the validation pictures. To ship it:\n" in said
    assert said.count("unsure about") == 2
    assert "  `maskopt bundle net/finetuned`\n" in said
    assert "noise: `net/pcqat`, 1,000 gzip bytes" in said


def test_best_that_is_the_smallest_is_named_once():
    said = say_choice({("net", "qat"): {"formats": {"int8": figures_of(0.9, 1000)}}}, CLASSES, drawn=False)
    assert "noise: the same\n" in said


def test_float_files_alone_leave_no_answer():
    assert say_choice({("net", "baseline"): {"formats": {"float32": figures_of(0.9, 1000)}}}, CLASSES, drawn=True) == ""


# 95% intervals of 69 and 70 of 100: 0.594 to 0.772, 0.604 to 0.781 (Wilson).
@pytest.mark.parametrize(("val_accuracy", "words"), [(0.69, "None yet: the best, `net/qat`"), (0.7, "- The best: ")])
def test_model_that_may_be_guessing_is_not_one_to_ship(val_accuracy, words):
    said = say_choice({("net", "qat"): {"formats": {"int8": figures_of(val_accuracy, 1000)}}}, CLASSES, drawn=False)
    assert words in said


def test_smaller_model_that_may_be_guessing_is_not_one_to_ship():
    figures = {"qat": figures_of(15 / 18, 2000), "pqat": figures_of(14 / 18, 1000)}
    metrics = {("net", variant): {"formats": {"int8": each}} for variant, each in figures.items()}
    said = say_choice(metrics, {"cat": 8, "dog": 10}, drawn=False)
    assert "The best: `net/qat`" in said
    assert "net/pqat" not in said
    assert list_validation(metrics, {"cat": 8, "dog": 10})["as_good"].tolist() == [True, False]


def test_share_of_the_most_frequent_class_is_named():
    said = say_choice({("net", "qat"): {"formats": {"int8": figures_of(0.6, 1000)}}}, CLASSES, drawn=False)
    assert "right about 60.00% of the 100 validation pictures" in said
    assert "the most frequent class (60.00%): more pictures, or more epochs, may help.\n" in said
    assert "maskopt bundle" not in said


def test_choice_among_drawings_says_so():
    metrics = {("net", "qat"): {"formats": {"int8": figures_of(0.9, 1000)}}}
    words = "The pictures are drawings that maskopt makes: which model is the best about photographs was not measured."
    assert words in say_choice(metrics, CLASSES, drawn=True)
    assert words not in say_choice(metrics, CLASSES, drawn=False)


def test_all_that_was_chosen_among_is_listed_the_best_first():
    shares = {"finetuned": 0.86, "qat": 0.9, "pqat": 0.88, "cqat": 0.9}  # 0.87 is one standard error below the best
    metrics = {
        ("net", variant): {"formats": {"int8": figures_of(share, 1000 + i), "float32": figures_of(1, 9000)}}
        for i, (variant, share) in enumerate(shares.items())
    }
    metrics["net", "baseline"] = {"formats": {"float32": figures_of(0.99, 9000)}}
    assert lay_out_validation(list_validation(metrics, CLASSES)).to_numpy().tolist() == [
        ["net", "qat", "90.00%", "12.6%", "1,001", "yes"],
        ["net", "cqat", "90.00%", "12.6%", "1,003", "yes"],
        ["net", "pqat", "88.00%", "12.6%", "1,002", "yes"],
        ["net", "finetuned", "86.00%", "12.6%", "1,000", "no"],
    ]
