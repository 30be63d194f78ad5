import math
from dataclasses import replace

import numpy as np
import pytest

from maskopt.errors import Diverged
from maskopt.params import Phase
from maskopt.training.pictures import Pictures
from maskopt.training.trainer import cosine

PHASE = Phase(epochs=2, learning_rate=0.01)


def pictures_of(labels, n_classes=3):
    return Pictures(np.zeros((len(labels), 8, 8, 3), np.uint8), np.array(labels, np.int64), n_classes)


def with_params(trainer, **changes):
    return replace(trainer, params=trainer.params.model_copy(update=changes))


def list_batches(dataset):
    return [tuple(part.numpy() for part in batch) for batch in dataset]


def assert_same(batches, others):
    for batch, other in zip(batches, others, strict=True):
        for part, other_part in zip(batch, other, strict=True):
            np.testing.assert_array_equal(part, other_part)


def test_rare_classes_weigh_more():
    weights = pictures_of([0, 0, 0, 0, 0, 0, 1, 1, 1, 2]).class_weights()
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 10 / 3])  # pictures / (classes x pictures of the class)


def test_equal_classes_weigh_one():
    np.testing.assert_array_equal(pictures_of([2, 1, 0]).class_weights(), [1, 1, 1])


def test_class_without_pictures_has_a_finite_weight():
    assert np.isfinite(pictures_of([0, 0]).class_weights()).all()


def test_rate_rises_and_falls_as_by_hand():
    rate = cosine(Phase(epochs=5, learning_rate=0.4), warmup=0.2, steps_per_epoch=4)  # 4 steps up, 16 down
    steps = [0, 1, 2, 3, 4, 8, 12, 20]
    fall = [0.2 * (1 + math.cos(math.pi * step / 16)) for step in (0, 4, 8, 16)]
    np.testing.assert_allclose([float(rate(step)) for step in steps], [0, 0.1, 0.2, 0.3, *fall], atol=1e-7)


def test_rate_without_warmup_starts_at_its_peak():
    rate = cosine(Phase(epochs=2, learning_rate=0.4), warmup=0, steps_per_epoch=4)
    np.testing.assert_allclose([float(rate(step)) for step in (0, 4, 8)], [0.4, 0.2, 0], atol=1e-7)


@pytest.mark.parametrize("warmup", [0.9, 1])
def test_rate_ends_at_zero_however_long_the_warmup(warmup):
    assert float(cosine(Phase(epochs=1, learning_rate=0.4), warmup, steps_per_epoch=4)(4)) == pytest.approx(0, abs=1e-7)


def test_batches_follow_from_the_seed(toy):
    assert_same(list_batches(toy.train_batches(2)), list_batches(toy.train_batches(2)))


def test_batches_do_not_depend_on_how_many_follow(toy):
    steps = toy.steps_per_epoch
    assert_same(list_batches(toy.train_batches(2))[steps:], list_batches(toy.train_batches(3).skip(steps).take(steps)))


def test_other_seed_gives_other_batches(toy):
    (one, *_), (other, *_) = list_batches(toy.train_batches(1)), list_batches(replace(toy, seed=1).train_batches(1))
    assert not np.array_equal(one[1], other[1])


def test_epochs_differ_in_order(toy):
    labels = [classes.argmax(axis=1) for _, classes, _ in list_batches(toy.train_batches(2))]
    assert not np.array_equal(labels[: len(labels) // 2], labels[len(labels) // 2 :])


def test_epoch_holds_each_picture_once(toy):
    plain = toy.params.augmentation.model_copy(
        update={"flip": False, "zoom": 0, "stretch": 0, "brightness": 0, "contrast": 0}
    )
    batches = list_batches(with_params(toy, augmentation=plain).train_batches(1))
    images = np.concatenate([images for images, _, _ in batches])
    seen = np.round((images + 1) * 127.5).astype(np.uint8).reshape(len(images), -1)
    np.testing.assert_array_equal(np.unique(seen, axis=0), np.unique(toy.train.pixels.reshape(96, -1), axis=0))


def test_batches_hold_labels_and_weights_of_their_pictures(toy):
    labels = np.array([0] * 64 + [1] * 24 + [2] * 8)
    pixels = np.broadcast_to((labels * 100).astype(np.uint8)[:, None, None, None], (96, 8, 8, 3))
    plain = toy.params.augmentation.model_copy(update={"brightness": 0, "contrast": 0})
    trainer = with_params(replace(toy, train=Pictures(pixels, labels, 3)), augmentation=plain)
    for images, classes, weights in list_batches(trainer.train_batches(1)):
        shown = np.round((images[:, 4, 4, 0] + 1) * 1.275).astype(int)
        np.testing.assert_array_equal(classes, np.eye(3)[shown])
        np.testing.assert_allclose(weights, np.array([0.5, 96 / 72, 4])[shown])


def test_pictures_are_preprocessed(toy):
    images = np.concatenate([images for images, *_ in list_batches(toy.val_batches())])
    np.testing.assert_allclose(images, toy.val.pixels / 127.5 - 1, atol=1e-6)


def test_no_thread_tunes_what_the_end_of_training_would_wait_for(toy):
    for batches in (toy.train_batches(1), toy.train_batches(1).map(lambda *batch: batch).repeat(), toy.val_batches()):
        assert batches.options().autotune.enabled is False


def test_fewer_pictures_than_a_batch_make_one_step(toy):
    few = replace(toy, train=Pictures(toy.train.pixels[:5], toy.train.labels[:5], 3))
    (batch,) = list_batches(few.train_batches(1))
    assert len(batch[0]) == 5


def test_toy_problem_is_learned(trained):
    assert trained.curves["val_accuracy"].max() == 1


def test_curves_have_a_row_per_epoch(trained):
    assert trained.curves["epoch"].tolist() == [0, 1, 2, 3, 4, 5]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"} < set(trained.curves)


def test_curves_end_at_the_rate_of_zero(trained):
    assert trained.curves["learning_rate"].iloc[-1] == pytest.approx(0, abs=1e-9)


@pytest.fixture
def ruin():
    """Set the weights to zero before the third epoch: the best epoch is the second, and the third is worse."""
    from maskopt.networks.keras import keras

    class Ruin(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002  as Keras calls it
            if epoch == 2:
                self.model.set_weights([weight * 0 for weight in self.model.get_weights()])

    return Ruin()


def test_best_weights_are_kept(toy, build_linear, loss_of, ruin):
    model = build_linear()
    curves = toy.fit(model, Phase(epochs=3, learning_rate=0.01), callbacks=[ruin])
    assert curves["val_loss"].idxmin() == 1
    assert loss_of(model) == pytest.approx(curves["val_loss"][1], rel=1e-4)


def test_weights_of_epochs_before_the_first_to_keep_are_not_kept(toy, build_linear, loss_of, ruin):
    model = build_linear()
    curves = toy.fit(model, Phase(epochs=3, learning_rate=0.01), callbacks=[ruin], keep_from_epoch=2)
    assert curves["val_loss"].idxmin() == 1
    assert loss_of(model) == pytest.approx(curves["val_loss"][2], rel=1e-4)


def test_training_stops_when_nothing_gets_better(toy, build_linear):
    curves = with_params(toy, warmup=0, patience_epochs=1).fit(build_linear(), Phase(epochs=20, learning_rate=1))
    best = curves["val_loss"].idxmin()
    assert len(curves) == best + 2 < 20


def test_diverged_training_is_told(toy, build_linear):
    model = build_linear()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(Diverged) as caught:
        toy.fit(model, PHASE)
    assert str(caught.value) == (
        "training diverged: after 2 epochs no validation loss is finite. Lower learning_rate, which was 0.01, "
        "in params.yaml, then run again"
    )


def test_rare_classes_weigh_more_in_validation_too(toy):
    val = replace(toy.val, labels=np.zeros_like(toy.val.labels))
    weights = np.concatenate([batch[2] for batch in list_batches(replace(toy, val=val).val_batches())])
    np.testing.assert_allclose(weights, val.class_weights()[0])
    assert val.class_weights()[0] != 1


def test_two_runs_are_bit_equal(toy, build_toy):
    one, other = build_toy(), build_toy()
    for model in (one, other):
        toy.fit(model, PHASE)
    for weight, other_weight in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other_weight)


def test_each_stream_has_its_own_order_and_views(toy):
    one, other = (next(iter(replace(toy, stream=name).train_batches(1)))[0].numpy() for name in ("qat", "pqat"))
    assert not np.array_equal(one, other)
