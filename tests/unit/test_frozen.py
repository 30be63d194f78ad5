from dataclasses import replace

import numpy as np
import pytest

from maskopt.params import Phase
from maskopt.training.frozen import fit_head

PHASE = Phase(epochs=4, learning_rate=0.01)


@pytest.fixture(scope="module")
def with_head(viewed_anew, build_toy):
    """The toy network whose head alone was trained, its curves, and the weights before."""
    model = build_toy()
    before = [weight.copy() for weight in model.get_weights()]
    return model, fit_head(model, viewed_anew, PHASE), before


@pytest.fixture(scope="module")
def viewed_anew(toy):
    """A trainer that shows other views in each epoch to a frozen trunk, as it does to a whole model."""
    return replace(toy, params=toy.params.model_copy(update={"frozen_views": PHASE.epochs}))


def test_head_alone_changes(with_head):
    model, _, before = with_head
    changed = [not np.array_equal(new, old) for new, old in zip(model.get_weights(), before, strict=True)]
    assert changed == [False] * (len(before) - 2) + [True, True]  # kernel and bias of the head


def test_curves_are_those_of_the_whole_model(with_head, loss_of):
    model, curves, _ = with_head
    assert loss_of(model) == pytest.approx(curves["val_loss"].min(), rel=1e-4)


def test_curves_have_a_row_per_epoch(with_head):
    assert with_head[1]["epoch"].tolist() == [0, 1, 2, 3]


def test_head_is_that_of_training_with_a_frozen_trunk(viewed_anew, build_toy, with_head):
    from maskopt.networks.backbones import freeze_below

    model, curves, before = with_head
    slow = build_toy()
    freeze_below(slow, "logits")
    slow_curves = viewed_anew.fit(slow, PHASE)
    np.testing.assert_allclose(curves["loss"], slow_curves["loss"], rtol=1e-4)
    kernel, slow_kernel = (kind.get_layer("logits").get_weights()[0] for kind in (model, slow))
    np.testing.assert_allclose(kernel, slow_kernel, atol=1e-4)
    assert np.abs(kernel - before[-2]).max() > 0.05


@pytest.mark.parametrize(("views", "as_before"), [(1, True), (2, False)])
def test_trunk_sees_as_many_views_as_params_say(toy, build_linear, views, as_before):
    trainer = replace(toy, params=toy.params.model_copy(update={"frozen_views": views}))
    still = Phase(epochs=2, learning_rate=1e-9)  # the loss of the second epoch differs only if its pictures do
    loss = fit_head(build_linear(), trainer, still)["loss"]
    assert bool(np.isclose(loss[1], loss[0], atol=1e-4)) == as_before


def test_two_runs_are_bit_equal(toy, build_linear):
    one, other = build_linear(), build_linear()
    for model in (one, other):
        fit_head(model, toy, PHASE)
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])
