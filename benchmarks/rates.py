"""What each technique makes of one model at several sizes: `python benchmarks/rates.py train NETWORK SEED...`.

To be started where the photos profile's pixels, splits, fine-tuned models and teacher's answers are. Each model is
trained from the fine-tuned one, all as long, made an int8 file, and asked about the validation pictures alone. Each
training leaves a row as soon as it ends; a run that was stopped goes on after the last. `... table` writes Markdown.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rows import Rows

from maskopt import paths
from maskopt.measuring.litert import Classifier
from maskopt.measuring.sizes import pack
from maskopt.networks import backbones
from maskopt.networks.keras import keras
from maskopt.params import Params, load_params
from maskopt.stages.shared.branch import spread
from maskopt.stages.shared.opening import open_trainer
from maskopt.techniques import clustering, entropy, pruning
from maskopt.tflite.convert import convert
from maskopt.tflite.slimming import slim
from maskopt.training.trainer import Trainer

RESULTS = Path("docs/results/rates")
EPOCHS = 8
LEAST = 1 / 512  # of a score: half of the distance of two

Steps = Mapping[str, npt.NDArray[np.floating]]  # as `slim` takes them
Compressed = tuple[keras.Model, Steps]


def untouched(model: keras.Model, trainer: Trainer, params: Params, setting: float) -> Compressed:  # noqa: ARG001
    """Leave it to quantisation, to compare with."""
    return model, {}


def clustered(model: keras.Model, trainer: Trainer, params: Params, clusters: float) -> Compressed:
    """Cluster as the variant does."""
    params_ = params.cluster.model_copy(update={"n_clusters": int(clusters)})
    return clustering.cluster(model, trainer, params_, preserve_sparsity=False)[0], {}


def clustered_from_linear(model: keras.Model, trainer: Trainer, params: Params, clusters: float) -> Compressed:
    """Cluster from centroids that are evenly spaced, as the paper's bytes need."""
    linear = params.model_copy(update={"cluster": params.cluster.model_copy(update={"centroids": "linear"})})
    return clustered(model, trainer, linear, clusters)


def pruned(model: keras.Model, trainer: Trainer, params: Params, sparsity: float) -> Compressed:
    """Prune as the variant does."""
    return pruning.prune(model, trainer, params.prune.model_copy(update={"final_sparsity": sparsity}))[0], {}


def coded(model: keras.Model, trainer: Trainer, params: Params, nats_per_bit: float) -> Compressed:
    """Train as ECQAT does."""
    made, _, steps = entropy.code(model, trainer, params.entropy.model_copy(update={"nats_per_bit": nats_per_bit}))
    return made, steps


def clustered_untaught(model: keras.Model, trainer: Trainer, params: Params, clusters: float) -> Compressed:
    """Cluster without the teacher's answers."""
    return clustered(model, trainer, untaught(params), clusters)


def coded_untaught(model: keras.Model, trainer: Trainer, params: Params, nats_per_bit: float) -> Compressed:
    """Train as ECQAT does, without the teacher's answers."""
    return coded(model, trainer, untaught(params), nats_per_bit)


@dataclass(frozen=True)
class Technique:
    """A way of making a model smaller, and how far it is driven."""

    compress: Callable[[keras.Model, Trainer, Params, float], Compressed]
    settings: tuple[float, ...]


TECHNIQUES = {
    "fine-tuned alone": Technique(untouched, (0,)),
    "clustered: values": Technique(clustered, (32, 16, 8, 4)),
    "clustered from linear centroids: values": Technique(clustered_from_linear, (32, 16)),
    "pruned: sparsity": Technique(pruned, (0.4, 0.8)),
    "ECQAT: nats per bit": Technique(coded, (0.00625, 0.025, 0.1, 0.4, 1.6)),
    "clustered, no teacher: values": Technique(clustered_untaught, (8,)),
    "ECQAT, no teacher: nats per bit": Technique(coded_untaught, (0.1,)),
}


def main() -> None:
    """Train what has no row yet, or write what the rows say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "table"))
    parser.add_argument("network", nargs="?", help="of params.yaml")
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--only", nargs="+", choices=TECHNIQUES, default=TECHNIQUES, metavar="TECHNIQUE")
    arguments = parser.parse_args()
    if arguments.what == "table":
        tables = (f"## {file.stem}\n\n{tabulate(pd.read_csv(file))}\n" for file in sorted(RESULTS.glob("*.csv")))
        (RESULTS / "table.md").write_text("\n".join(tables), encoding="utf-8")
        return
    rows = Rows(RESULTS / f"{arguments.network}.csv", ("technique", "setting", "seed"))
    for seed in arguments.seeds:
        for name in arguments.only:
            technique = TECHNIQUES[name]
            for setting in technique.settings:
                row = {"technique": name, "setting": setting, "seed": seed}
                if not rows.has(**row):
                    rows.add(row | measure(arguments.network, seed, technique, setting))


def measure(network: str, seed: int, technique: Technique, setting: float) -> dict[str, object]:
    """Return bytes, accuracy and mean negative log-likelihood of the int8 file, in nats, on validation pictures."""
    params = equal(load_params(paths.PARAMS))
    settings, stage = params.networks[network], f"rates-{network}"
    opened = open_trainer(params, settings.trunk, settings.size_px, seed, stage, stage)
    trainer = replace(opened, lesson=np.load(paths.lesson(seed)), unfinished=None)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = backbones.build_classifier(settings.trunk, settings.size_px, trainer.train.n_classes)
    model.load_weights(paths.weights(network, "finetuned", seed))
    compressed, steps = technique.compress(model, trainer, params, setting)
    examples = spread(trainer.train.pixels, params.convert.representative_pictures)
    content = slim(convert(compressed, trainer.preprocessing, "int8", examples), steps)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "int8.tflite"
        file.write_bytes(content)
        scores = Classifier(file).scores(trainer.val.pixels)
    labels = trainer.val.labels
    likelihoods = np.log(np.maximum(scores[np.arange(len(labels)), labels], LEAST))
    return {
        "gzip_bytes": pack(content).gzip_bytes,
        "val_accuracy": round(float((scores.argmax(axis=1) == labels).mean()), 4),
        "val_nll": round(float(-likelihoods.mean()), 4),
    }


def equal(params: Params) -> Params:
    """Return params in which each technique trains as long, and clusters begin where they keep the most accuracy."""
    same: dict[str, Any] = {"epochs": EPOCHS}
    return params.model_copy(
        update={
            "prune": params.prune.model_copy(update=same),
            "cluster": params.cluster.model_copy(update=same | {"centroids": "kmeans++"}),
            "entropy": params.entropy.model_copy(update=same),
        }
    )


def untaught(params: Params) -> Params:
    """Return params in which compression learns from labels alone."""
    alone = {"distillation": 0.0}
    return params.model_copy(
        update={
            "cluster": params.cluster.model_copy(update=alone),
            "entropy": params.entropy.model_copy(update=alone),
        }
    )


def tabulate(rows: pd.DataFrame) -> str:
    """Return Markdown, a row per technique and setting: means over seeds."""
    figures = {"seeds": ("seed", "size"), "gzip bytes": ("gzip_bytes", "mean")}
    figures |= {"accuracy, %": ("val_accuracy", "mean"), "NLL": ("val_nll", "mean")}
    table = rows.groupby(["technique", "setting"], sort=False).agg(**figures).reset_index()
    table["accuracy, %"] *= 100
    return table.to_markdown(index=False, floatfmt=("", "g", "", ",.0f", ".2f", ".3f"))


if __name__ == "__main__":
    main()
