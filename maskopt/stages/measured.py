""".tflite files of one model + test pictures -> its metrics, predictions and constants."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pandas as pd

from maskopt import paths
from maskopt.bundle.threshold import choose_threshold, share_unsure
from maskopt.data.rows import read_manifest, read_pixels, read_split
from maskopt.files import read_record, replacing, write_record
from maskopt.measuring.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from maskopt.measuring.intervals import DIGITS
from maskopt.measuring.litert import Classifier, Pixels
from maskopt.measuring.measure import Ints, Quality, Scores, assess, count_costs, summarize_weights
from maskopt.measuring.sizes import list_constants, pack, share
from maskopt.params import Params
from maskopt.stages.shared.run import run
from maskopt.tflite.inspection import read_graph
from maskopt.tflite.variants import VARIANTS

logger = logging.getLogger(__name__)


def main(params: Params, backbone: str, variant: str, seed: str) -> None:
    """Measure each format of one model on the test split, and what to choose a model by on the validation split."""
    classes, model = params.data.classes, (backbone, variant, int(seed))
    facts = read_record(paths.facts(*model))
    rows = read_split(paths.split(int(seed)))
    predictions, validation = (rows.loc[rows["split"] == side, ["path", "label"]] for side in ("test", "val"))
    labels, val_labels = (rows["label"].map(classes.index).to_numpy() for rows in (predictions, validation))
    extra = read_manifest(paths.EXTRA_MANIFEST)
    files = {file_format: paths.tflite(*model, file_format) for file_format in VARIANTS[variant].formats}
    pool = ThreadPoolExecutor()  # brotli takes longer than inference, and lets it go on meanwhile
    contents = {file_format: path.read_bytes() for file_format, path in files.items()}
    packing = {file_format: pool.submit(pack, content) for file_format, content in contents.items()}
    formats, constants = {}, []
    for file_format, path in files.items():
        graph, classifier = read_graph(path), Classifier(path)
        pictures, val_pictures = (
            read_pixels(paths.pixels(classifier.picture_shape[0]))[rows.index] for rows in (predictions, validation)
        )
        scores, val_scores = classifier.scores(pictures), classifier.scores(val_pictures)
        predictions[file_format] = [classes[i] for i in scores.argmax(axis=1)]
        predictions[f"{file_format}_confidence"] = scores.max(axis=1).round(DIGITS)
        unsure_below = choose_threshold(val_scores, val_labels, params.bundle.right_when_sure)
        quality, packed = assess(scores, labels, classes), packing[file_format].result()
        held = pd.DataFrame(list_constants(graph)).assign(format=file_format)
        constants.append(held)
        formats[file_format] = (
            {"sha256": hashlib.sha256(contents[file_format]).hexdigest()}  # of the file that all this is about
            | asdict(quality)
            | {"val_accuracy": _accuracy(val_scores, val_labels)}
            | {"unsure_share": round(share_unsure(val_scores, unsure_below), DIGITS)}
            | asdict(packed)
            | asdict(share(contents[file_format], graph))
            | {"entropy_bytes": round(held["entropy_bytes"].sum())}
            | asdict(count_costs(graph))
            | asdict(summarize_weights(graph))
        )
        if len(extra):
            formats[file_format]["extra"] = asdict(_assess_extra(classifier, extra, classes))
        if params.evaluation.corruptions:
            formats[file_format]["corrupted"] = _corrupted(classifier, pictures, list(predictions.index), labels)
        logger.info("%s: %d of %d right, %d bytes gzipped", path, quality.correct, quality.total, packed.gzip_bytes)
    for frame, path in (
        (predictions, paths.predictions(*model)),
        (pd.concat(constants), paths.constants(*model)),
    ):
        with replacing(path) as file:
            frame.to_csv(file, index=False)
    write_record(paths.metrics(*model), {"training": facts, "formats": formats})


def _assess_extra(classifier: Classifier, manifest: pd.DataFrame, classes: Sequence[str]) -> Quality:
    labels = manifest["label"].map(classes.index).to_numpy()
    pictures = np.load(paths.extra_pixels(classifier.picture_shape[0]), mmap_mode="r")
    return assess(classifier.scores(pictures), labels, classes)


def _corrupted(classifier: Classifier, pictures: Pixels, rows: list[int], labels: Ints) -> dict[str, dict[str, float]]:
    """Return the accuracy by corruption and severity."""
    return {
        name: {
            str(severity): _accuracy(classifier.scores(corrupt(pictures, rows, name, severity)), labels)
            for severity in SEVERITIES
        }
        for name in CORRUPTIONS
    }


def _accuracy(scores: Scores, labels: Ints) -> float:
    return round(float((scores.argmax(axis=1) == labels).mean()), DIGITS)


if __name__ == "__main__":
    run(main)
