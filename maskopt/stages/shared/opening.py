"""Pictures of one seed, and what trains a network on them."""

import hashlib
from pathlib import Path

from maskopt import paths
from maskopt.data.rows import read_pixels, read_split
from maskopt.networks import backbones
from maskopt.networks.keras import configure
from maskopt.params import Params, Trunk
from maskopt.stages import CODE_AT_START
from maskopt.training.pictures import choose_pictures
from maskopt.training.trainer import Trainer


def open_trainer(params: Params, trunk: Trunk, size_px: int, seed: int, stream: str, stage: str) -> Trainer:
    """Set up Keras and return what trains a network on the pictures of a seed, from where a killed stage was."""
    configure(seed, params.training.threads)
    preprocessing = backbones.architecture(trunk.architecture).preprocessing
    rows = read_split(paths.split(seed))
    pixels = read_pixels(paths.pixels(size_px))
    train, val = (choose_pictures(rows, side, params.data.classes, pixels) for side in ("train", "val"))
    return Trainer(train, val, preprocessing, params.training, seed, stream, unfinished=_unfinished(stage))


def _unfinished(stage: str) -> Path:
    """Return the folder of what this very code can go on with."""
    return paths.unfinished(stage) / hashlib.sha256("".join(CODE_AT_START.values()).encode()).hexdigest()
