"""The model card: for people who must know whether to trust a model."""

import pytest

from maskopt.bundle.card import write_card
from maskopt.bundle.description import read_description


def test_card_says_use_figures_and_origin(bundle):
    card = (bundle / "README.md").read_text()
    assert "# separable/qat/int8\n" in card
    assert "For doors alone.\n" in card
    assert "It learned from drawings that maskopt makes: no photograph was among them" in card
    assert "right about 50.00% (18.8 to 81.2)" in card
    assert "| without_mask | 100.0% | 43.9 to 100.0 |" in card
    assert "LiteRT Micro: an arena of" in card


def test_card_says_why_there_is_no_micro(bundle):
    said, none = read_description(bundle), "There is no `micro/`, a C array for LiteRT Micro: "
    assert none not in write_card(None, said)
    other = said.model_copy(update={"format": "float32", "arena_bytes": None})
    assert f"{none}the format is float32, and LiteRT Micro gets int8 alone.\n" in write_card(None, other)
    other = said.model_copy(update={"operators": ("ADD", "TOPK_V2"), "arena_bytes": None})
    assert f"{none}maskopt registers no operator TOPK_V2 with LiteRT Micro.\n" in write_card(None, other)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ("imagenet", "those of ImageNet that Keras Applications publishes under Apache-2.0; ImageNet's pictures have"),
        ("data/incoming/a.h5", "a file, `data/incoming/a.h5`, whose licence maskopt does not know."),
        (None, "What the training of the weights started from is not known"),
    ],
)
def test_card_says_licences_of_weights_and_code(bundle, weights, text):
    said = read_description(bundle)
    origin = {"packages": {}, "steps": []}
    begun = write_card(None, said.model_copy(update={"origin": origin | {"weights": weights}}))
    random = write_card(None, said.model_copy(update={"origin": origin | {"weights": "none"}}))
    assert text in begun
    assert "weights were trained from" not in random
    for card in (begun, random):
        assert "is of maskopt, Apache-2.0.\nLiteRT.js, which `npm install` puts into `web/node_modules`, is" in card


@pytest.mark.parametrize(
    ("unsure_below", "text"),
    [
        (
            0.825,
            "Answers less sure than 82.5% are shown as unsure: 12.3% of those about the validation pictures, of which "
            "the surer ones were right about 99.5% of the time or more.",
        ),
        (
            0,
            "No answer is shown as unsure: on the validation pictures all answers together were right about 99.5% of "
            "the time or more.",
        ),
        (
            1,
            "On the validation pictures not even the surest answers were right about 99.5% of the time or more: "
            "whatever is less sure than 100% is shown as unsure.",
        ),
    ],
)
def test_card_says_what_the_threshold_means(bundle, unsure_below, text):
    found = {"unsure_below": unsure_below, "unsure_share": 0.123, "right_when_sure": 0.995}
    assert text in write_card(None, read_description(bundle).model_copy(update=found))
