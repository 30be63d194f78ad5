"""What each choice of training is worth: `python benchmarks/ablations.py train NETWORK`, then `... table`.

To be started where the photos profile's pixels, splits, weights and teacher's answers are (`maskopt run --target
teacher --target weights`, with all SIZES_PX in pixels.sizes_px). Networks are trained to the end of `finetuned`, one
choice at a time changed and with all seeds before the next one, and asked about the validation split alone. Each
training leaves a row as soon as it ends; a run that was stopped goes on after the last.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from rows import Rows

from flows.experiment import changed_params
from maskopt import paths
from maskopt.networks.backbones import build_classifier, freeze_below
from maskopt.networks.keras import keras, tf
from maskopt.params import Params, Phase, load_params
from maskopt.report.paired import compare
from maskopt.stages.shared.opening import open_trainer
from maskopt.training import trainer as trainer_module
from maskopt.training.frozen import fit_baseline
from maskopt.training.trainer import Trainer, cosine

RESULTS = Path("docs/results/ablations")
SEEDS = (0, 1, 2)
SIZES_PX = (64, 96, 128, 160)
EPOCHS = 0.5  # of the profile's
STRONG = ("rotation_degrees", "tint", "saturation", "blur", "erase")
WEAK = ("flip", "zoom", "stretch", "brightness", "contrast")


@dataclass(frozen=True)
class Choice:
    """One difference from `against`."""

    params: Mapping[str, object] = field(default_factory=dict)  # dotted names; NETWORK stands for the network
    against: str = "the profile"
    schedule: Callable[..., Any] = cosine
    averaged: bool = False  # the same training as `against`, its last weights averaged


def constant(phase: Phase, warmup: float, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the rise of `cosine`, and then no fall."""
    total = phase.epochs * steps_per_epoch
    rising = round(total * warmup)
    return keras.optimizers.schedules.CosineDecay(
        0.0, total - rising, alpha=1.0, warmup_target=phase.learning_rate, warmup_steps=rising
    )


UNTAUGHT = {f"networks.NETWORK.{phase}.distillation": 0.0 for phase in ("baseline", "finetune")}
CHOICES = {
    "the profile": Choice(),
    "weights averaged over the last quarter": Choice(averaged=True),
    "constant rate": Choice(schedule=constant),
    "no label smoothing": Choice({"training.label_smoothing": 0.0}),
    "no teacher": Choice(UNTAUGHT),
    # The teacher has answered for views as the profile draws them, so others are compared without it.
    "no teacher, weak augmentation": Choice(
        UNTAUGHT | {f"training.augmentation.{name}": 0.0 for name in STRONG}, "no teacher"
    ),
    "no teacher, no augmentation": Choice(
        UNTAUGHT
        | {f"training.augmentation.{name}": 0.0 for name in STRONG + WEAK[1:]}
        | {"training.augmentation.flip": False},
        "no teacher",
    ),
    **{f"{size_px} px": Choice({"networks.NETWORK.size_px": size_px}) for size_px in SIZES_PX},
}


def main() -> None:
    """Train what has no row yet, or write what the rows say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "table"))
    parser.add_argument("network", nargs="?", help="of params.yaml")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, metavar="SEED")
    arguments = parser.parse_args()
    if arguments.what == "table":
        tables = (f"## {file.stem}\n\n{tabulate(pd.read_csv(file))}\n" for file in sorted(RESULTS.glob("*.csv")))
        (RESULTS / "table.md").write_text("\n".join(tables), encoding="utf-8")
        return
    for name, choice in CHOICES.items():
        for seed in arguments.seeds:
            if not choice.averaged:
                train_once(arguments.network, name, choice, seed)


def train_once(network: str, name: str, choice: Choice, seed: int) -> None:
    """Train and add the row, and that of the averaged weights; nothing where the row is there or nothing differs."""
    rows = Rows(RESULTS / f"{network}.csv", ("choice", "seed"))
    known = load_params(paths.PARAMS).networks[network].size_px
    if rows.has(choice=name, seed=seed) or name == f"{known} px":
        return
    params = change(network, choice)
    with patch.object(trainer_module, "cosine", choice.schedule):
        best, averaged = fit(params, network, seed)
    added = {name: best}
    if name == "the profile":
        added |= {each: averaged for each, its in CHOICES.items() if its.averaged}
    rows.add(*({"choice": each, "seed": seed, **figures} for each, figures in added.items()))


def change(network: str, choice: Choice) -> Params:
    """Return the profile's params with fewer epochs and the choice."""
    values = {key.replace("NETWORK", network): value for key, value in choice.params.items()}
    plain = load_params(paths.PARAMS).networks[network]
    for phase in ("baseline", "finetune"):
        values[f"networks.{network}.{phase}.epochs"] = round(getattr(plain, phase).epochs * EPOCHS)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        file.write_text(changed_params(paths.PARAMS, values))
        return load_params(file)


class Weights(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Holds the weights at the end of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[list[Any]] = []

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002  as Keras calls it
        """Note them."""
        self.epochs.append(self.model.get_weights())

    def average(self) -> list[Any]:
        """Return the mean of each weight over the last quarter. Source: Izmailov et al. 2018, arXiv:1803.05407."""
        last = self.epochs[-max(1, len(self.epochs) // 4) :]
        return [np.mean(same, axis=0) for same in zip(*last, strict=True)]


def fit(params: Params, network: str, seed: int) -> tuple[dict[str, object], dict[str, object]]:
    """Return what a trained network says of the validation split, with its best weights and with averaged ones."""
    settings, stage = params.networks[network], f"ablation-{network}"
    opened = open_trainer(params, settings.trunk, settings.size_px, seed, stage, stage)
    trainer = replace(opened, lesson=np.load(paths.lesson(seed)), unfinished=None)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model, weights = build_classifier(settings.trunk, settings.size_px, trainer.train.n_classes), Weights()
    fit_baseline(model, trainer, settings.baseline, paths.trunk(network))
    freeze_below(model, settings.trainable_from)
    trainer.fit(model, settings.finetune, [weights])
    best = ask(model, trainer)
    model.set_weights(weights.average())
    return best, ask(model, trainer)


def ask(model: keras.Model, trainer: Trainer) -> dict[str, object]:
    """Return accuracy, mean negative log-likelihood in nats, and a 1 for each picture that it gets right, else 0."""
    logits = np.concatenate([model(images, training=False).numpy() for images, *_ in trainer.val_batches()])
    labels = trainer.val.labels
    right = logits.argmax(axis=1) == labels
    likelihoods = tf.nn.log_softmax(logits).numpy()[np.arange(len(labels)), labels]
    return {
        "val_accuracy": round(float(right.mean()), 4),
        "val_nll": round(float(-likelihoods.mean()), 4),
        "right": "v" + "".join(map(str, right.astype(int))),  # a letter, or it would be read as a number
    }


def tabulate(rows: pd.DataFrame) -> str:
    """Return Markdown, a row per choice: means over seeds, and the paired difference over all pictures of all seeds."""
    rows = rows.set_index("choice")
    lines = []
    for name, choice in CHOICES.items():
        if name not in rows.index:
            continue
        its, reference = (rows.loc[[each]].set_index("seed") for each in (name, choice.against))
        seeds = sorted(set(its.index) & set(reference.index))  # the rest is still to be trained
        its, reference = its.loc[seeds], reference.loc[seeds]
        difference = compare(_pictures(its), _pictures(reference))
        lines.append(
            {
                "choice": name,
                "seeds": " ".join(map(str, seeds)),
                "accuracy, %": f"{100 * its['val_accuracy'].mean():.2f}",
                "by seed": " ".join(f"{100 * each:.1f}" for each in its["val_accuracy"]),
                "NLL": f"{its['val_nll'].mean():.3f}",
                "against": choice.against if name != choice.against else "",
                "points, paired (95%)": ""
                if name == choice.against
                else f"{difference.points:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})",
            }
        )
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)


def _pictures(rows: pd.DataFrame) -> np.ndarray:
    """Return (1, N): all pictures of all seeds, whose validation splits differ, some of them in several."""
    return np.array([[digit == "1" for row in rows["right"] for digit in row[1:]]])


if __name__ == "__main__":
    main()
