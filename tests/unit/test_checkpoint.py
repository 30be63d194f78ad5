"""Training that was killed goes on, and ends as if nothing had happened."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from maskopt.networks.keras import keras
from maskopt.params import Cluster, Entropy, Phase, Prune, Quantize
from maskopt.techniques.clustering import cluster
from maskopt.techniques.entropy import code
from maskopt.techniques.pruning import prune
from maskopt.techniques.quantization import quantize
from maskopt.training.frozen import fit_head

PHASE = Phase(epochs=4, learning_rate=0.01)


class Killed(Exception):
    pass


@pytest.fixture
def kill(monkeypatch):
    """A function that kills training in the middle of an epoch, counted from 0, and another that lets it live."""
    fit = keras.Model.fit

    class Killer(keras.callbacks.Callback):
        def __init__(self, at):
            super().__init__()
            self.at = at
            self.epoch = 0

        def on_epoch_begin(self, epoch, logs=None):  # noqa: ARG002  as Keras calls it
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002  as Keras calls it
            if (self.epoch, batch) == (self.at, 2):
                raise Killed

    def install(at):
        def fit_and_die(model, *args, callbacks=(), **options):
            return fit(model, *args, callbacks=[*callbacks, Killer(at)], **options)

        monkeypatch.setattr(keras.Model, "fit", fit_and_die)

    return install, lambda: monkeypatch.setattr(keras.Model, "fit", fit)


@pytest.fixture
def goes_on(toy, tmp_path, kill):
    """A function that trains twice, undisturbed and killed, and returns both models and curves."""
    die, live = kill

    def both(train, at=2):
        whole = train(toy)
        trainer = replace(toy, unfinished=tmp_path / "unfinished")
        die(at)
        with pytest.raises(Killed):
            train(trainer)
        live()
        assert len(list((tmp_path / "unfinished").iterdir())) == 1
        return whole, train(trainer)

    return both


def assert_equal(whole, resumed):
    (model, curves, *_), (other, other_curves, *_) = whole, resumed
    pd.testing.assert_frame_equal(other_curves, curves, check_exact=True)
    for weight, other_weight in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(other_weight, weight)


@pytest.mark.parametrize("at", [1, 3])
def test_training_goes_on(goes_on, build_toy, at):
    def train(trainer):
        model = build_toy()
        return model, trainer.fit(model, PHASE)

    assert_equal(*goes_on(train, at))


def test_training_of_a_head_goes_on(goes_on, build_toy):
    def train(trainer):
        model = build_toy()
        return model, fit_head(model, trainer, PHASE)

    assert_equal(*goes_on(train))


TECHNIQUES = {
    "prune": lambda model, trainer: prune(
        model, trainer, Prune(epochs=4, learning_rate=0.003, final_sparsity=0.3, ramp=0.5)
    ),
    "cluster": lambda model, trainer: cluster(
        model, trainer, Cluster(epochs=3, learning_rate=0.001, n_clusters=8, centroids="linear"), False
    ),
    "quantize": lambda model, trainer: quantize(model, trainer, Quantize(epochs=3, learning_rate=0.001), False, True),
    "code": lambda model, trainer: code(
        model, trainer, Entropy(epochs=3, learning_rate=0.001, nats_per_bit=0.1, first_step=0.2)
    ),
}


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_compression_goes_on(goes_on, build_linear, technique):
    model = build_linear()
    assert_equal(*goes_on(lambda trainer: TECHNIQUES[technique](model, trainer)))


def test_early_stopping_counts_the_epochs_before(goes_on, build_linear, toy):
    params = toy.params.model_copy(update={"warmup": 0, "patience_epochs": 2})

    def train(trainer):
        model = build_linear()
        return model, replace(trainer, params=params).fit(model, Phase(epochs=20, learning_rate=1))

    (model, curves), resumed = goes_on(train)
    assert curves["val_loss"].idxmin() + 3 == len(curves) < 20
    assert_equal((model, curves), resumed)


def test_finished_training_is_not_done_again(toy, build_linear, tmp_path, kill):
    """A stage may be killed while it converts what it has trained."""
    trainer, model, again = replace(toy, unfinished=tmp_path), build_linear(), build_linear()
    curves = trainer.fit(model, PHASE)
    kill[0](0)
    assert_equal((model, curves), (again, trainer.fit(again, PHASE)))


@pytest.mark.parametrize(
    "change",
    [
        lambda trainer: replace(trainer, seed=1),
        lambda trainer: replace(trainer, stream="other"),
        lambda trainer: replace(trainer, lesson=np.ones((1, 4, 3), np.float32)),
        lambda trainer: replace(trainer, params=trainer.params.model_copy(update={"label_smoothing": 0.2})),
        lambda trainer: replace(trainer, train=replace(trainer.train, pixels=trainer.train.pixels // 2)),
        lambda trainer: replace(trainer, val=replace(trainer.val, labels=trainer.val.labels[::-1])),
    ],
)
def test_other_training_starts_anew(toy, build_linear, tmp_path, change):
    trainer = replace(toy, unfinished=tmp_path)
    trainer.fit(build_linear(), PHASE)
    change(trainer).fit(build_linear(), PHASE)
    assert len(list(tmp_path.iterdir())) == 2


def test_other_weights_or_phase_start_anew(toy, build_linear, tmp_path):
    trainer, other = replace(toy, unfinished=tmp_path), build_linear()
    other.set_weights([weight + 1 for weight in other.get_weights()])
    trainer.fit(build_linear(), PHASE)
    trainer.fit(other, PHASE)
    trainer.fit(build_linear(), PHASE.model_copy(update={"learning_rate": 0.02}))
    assert len(list(tmp_path.iterdir())) == 3


def test_head_on_another_trunk_starts_anew(toy, build_toy, tmp_path):
    trainer, model = replace(toy, unfinished=tmp_path), build_toy()
    fit_head(model, trainer, PHASE)
    other = build_toy()
    other.get_layer("conv").set_weights([weight + 1 for weight in other.get_layer("conv").get_weights()])
    fit_head(other, trainer, PHASE)
    assert len(list(tmp_path.iterdir())) == 2
