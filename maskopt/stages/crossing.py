"""Folds -> what a network that is trained without each fold says of it."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt import paths
from maskopt.data.folds import Fold
from maskopt.data.rows import read_pixels
from maskopt.networks.backbones import build_classifier, freeze_below
from maskopt.networks.keras import keras, tf
from maskopt.params import Params
from maskopt.stages.shared.opening import open_trainer
from maskopt.training.frozen import fit_baseline
from maskopt.training.pictures import Pictures
from maskopt.training.trainer import Trainer

Scores = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


def cross(params: Params, backbone: str, folds: Sequence[Fold], labels: "pd.Series[str]", stage: str) -> Scores:
    """Return (N, K) probabilities of N pictures, each by a network that has not learned from it.

    The network is trained as params say, but for a teacher, whose answers are for the pictures of one split.
    """
    networks = params.networks
    network, trunk, size_px = networks[backbone], networks[backbone].trunk, networks[backbone].size_px
    baseline, finetune = (
        phase.model_copy(update={"distillation": 0.0}) for phase in (network.baseline, network.finetune)
    )
    pixels, classes = read_pixels(paths.pixels(size_px)), params.data.classes
    indices = labels.map(classes.index).to_numpy(np.int64)
    opened = open_trainer(params, trunk, size_px, params.seeds[0], stage, stage)
    scores = np.zeros((len(labels), len(classes)), np.float32)
    for number, fold in enumerate(folds):
        sides = (Pictures(pixels[rows], indices[rows], len(classes)) for rows in (fold.train, fold.val))
        trainer = replace(opened, train=next(sides), val=next(sides), stream=f"{stage}-{number}")
        keras.utils.set_random_seed(params.seeds[0])
        model = build_classifier(trunk, size_px, len(classes))
        fit_baseline(model, trainer, baseline, paths.trunk(backbone))
        freeze_below(model, network.trainable_from)
        trainer.fit(model, finetune)
        scores[fold.asked] = _ask(model, trainer, pixels[fold.asked])
        right = scores[fold.asked].argmax(axis=1) == indices[fold.asked]
        logger.info("fold %d of %d: %d of %d right", number + 1, len(folds), right.sum(), len(right))
    shutil.rmtree(paths.unfinished(stage), ignore_errors=True)
    return scores


def _ask(model: keras.Model, trainer: Trainer, pictures: npt.NDArray[np.uint8]) -> Scores:
    batches = tf.data.Dataset.from_tensor_slices(pictures).batch(trainer.params.batch_size)
    images = batches.map(lambda batch: trainer.preprocessing(tf.cast(batch, tf.float32)))
    answer = tf.function(lambda batch: tf.nn.softmax(model(batch, training=False)))
    return np.concatenate([answer(batch).numpy() for batch in images])
