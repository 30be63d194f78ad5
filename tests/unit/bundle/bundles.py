"""The tiny model of a finished run, what else a run may have, and a picture."""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
from PIL import Image

from maskopt import paths
from maskopt.files import write_record
from maskopt.measuring.litert import Classifier
from maskopt.measuring.measure import assess
from maskopt.measuring.sizes import gzip_bytes
from maskopt.tflite.origin import to_bytes
from maskopt.tflite.slimming import slim
from maskopt.training.pictures import choose_pictures, digest

NAME, FORMATS = "separable/qat", ("int8",)
CLASSES = ("with_mask", "without_mask", "mask_weared_incorrect")
BEST_BY = "right most often about the validation pictures, of equals the one of the fewest gzip bytes"
DRAWINGS = "drawings that maskopt makes: no photograph was among them, how it does on photographs was not measured"


def measure(tiny_files, variant="qat"):
    """Write the metrics of the model of a variant as it is now."""
    content = paths.tflite("separable", variant, 0, "int8").read_bytes()
    figures = vars(
        assess(Classifier(tiny_files.int8).scores(tiny_files.pictures), np.array([1, 1, 1, 0, 0, 2]), CLASSES)
    )
    figures |= {"val_accuracy": 0.5, "raw_bytes": len(content), "gzip_bytes": gzip_bytes(content)}
    figures["sha256"] = hashlib.sha256(content).hexdigest()
    write_record(paths.metrics("separable", variant, 0), {"training": {}, "formats": {"int8": figures}})


def carry(tiny_files, variant="qat", **origin):
    """Put a record of origin into the model of a variant, of the pictures of the run, and measure it."""
    sides = (
        choose_pictures(pd.read_csv(paths.split(0)), side, CLASSES, np.load(paths.pixels(8)))
        for side in ("train", "val")
    )
    origin = {"pictures": digest(*sides), "packages": {}, "steps": []} | origin
    file = paths.tflite("separable", variant, 0, "int8")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(slim(tiny_files.int8.read_bytes(), {}, to_bytes(origin)))
    measure(tiny_files, variant)


def claim(variant, val_accuracy, **others):
    """Write metrics of a variant that are those of qat, but for these figures."""
    measured = json.loads(paths.metrics("separable", "qat", 0).read_text())
    int8 = measured["formats"]["int8"] | {"val_accuracy": val_accuracy} | others
    write_record(paths.metrics("separable", variant, 0), measured | {"formats": {"int8": int8}})


def copy_model(variant):
    """Make the file of a variant, the same as that of qat."""
    made = paths.tflite("separable", variant, 0, "int8")
    made.parent.mkdir()
    shutil.copy(paths.tflite("separable", "qat", 0, "int8"), made)


def picture(size=(20, 10)):
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8))
