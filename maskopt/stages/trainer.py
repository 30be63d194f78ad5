"""Pictures of one seed, and what trains a network on them."""

import hashlib
from pathlib import Path

import numpy as np

from maskopt import backbones, paths
from maskopt.data.rows import read_pictures
from maskopt.keras import configure
from maskopt.params import Params, Trunk
from maskopt.stages import CODE_AT_START
from maskopt.training import Pictures, Trainer


def open_trainer(params: Params, trunk: Trunk, size_px: int, seed: int, stream: str, stage: str) -> Trainer:
    """Set up Keras and return what trains a network on the pictures of a seed, from where a killed stage was."""
    configure(seed, params.training.threads)
    preprocessing = backbones.architecture(trunk.architecture).preprocessing
    train, val = (_pictures(params.data.classes, size_px, paths.split(seed), side) for side in ("train", "val"))
    return Trainer(train, val, preprocessing, params.training, seed, stream, unfinished=_unfinished(stage))


def _unfinished(stage: str) -> Path:
    """Return the folder of what this very code can go on with."""
    return paths.unfinished(stage) / hashlib.sha256("".join(CODE_AT_START.values()).encode()).hexdigest()


def _pictures(classes: tuple[str, ...], size_px: int, split: Path, side: str) -> Pictures:
    rows = read_pictures(split)
    chosen = (rows["split"] == side).to_numpy()
    labels = rows["label"][chosen].map(classes.index).to_numpy(np.int64)
    return Pictures(np.load(paths.pixels(size_px), mmap_mode="r")[chosen], labels, len(classes))
