"""Settings of a teacher and pictures -> its answers for their views."""

import shutil

import numpy as np
import numpy.typing as npt

from maskopt import paths
from maskopt.networks.backbones import build_classifier, freeze_below
from maskopt.networks.keras import tf
from maskopt.params import Params, Teacher
from maskopt.stages.shared.opening import open_trainer
from maskopt.training.frozen import fit_baseline


def teach(params: Params, teacher: Teacher, seed: int) -> tuple[npt.NDArray[np.float32], float]:
    """Return (S, B, K) logits for the S batches of `views` epochs, and the teacher's validation accuracy."""
    stage = f"teacher@{seed}"
    trainer = open_trainer(params, teacher.trunk, teacher.size_px, seed, "teacher", stage)
    model = build_classifier(teacher.trunk, teacher.size_px, trainer.train.n_classes)
    fit_baseline(model, trainer, teacher.baseline, paths.trunk(paths.TEACHER))
    freeze_below(model, teacher.trainable_from)
    curves = trainer.fit(model, teacher.finetune)
    views = trainer.lesson_batches(teacher.views).map(lambda images, *_: images)
    accuracy = float(curves["val_accuracy"].iloc[int(curves["val_loss"].argmin())])
    answer = tf.function(lambda images: model(images, training=False))  # op by op it takes twice as long
    answers = np.stack([answer(images).numpy() for images in views])
    shutil.rmtree(paths.unfinished(stage), ignore_errors=True)
    return answers, accuracy
