"""The finished run that is here -> the best model within each budget: `python benchmarks/budgets.py` prints Markdown.

Within a budget of gzipped bytes, that of every seed, the model is taken that is right most often about validation
pictures, mean of the seeds; the test pictures then say how it differs from the float MobileNetV2, paired over pictures.
Models that are named, `python benchmarks/budgets.py bottleneck/ecqat/int8`, are compared instead; the others need not
be there.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from maskopt import paths
from maskopt.bundle.description import best
from maskopt.files import read_record
from maskopt.params import Params, load_params
from maskopt.report.paired import Right, compare
from maskopt.tflite.variants import VARIANTS

Model = tuple[str, str, str]  # backbone, variant, format

REFERENCE: Model = ("mobilenet_v2", "finetuned", "float32")
WANTED = {1_110_000: -0.5, 250_000: -1.5, 100_000: -3.0, 50_000: None}  # gzipped bytes -> points from the reference


def main(*names: str) -> None:
    """Choose and compare; or compare those that are named."""
    params = load_params(paths.PARAMS)
    named = [(backbone, variant, file) for backbone, variant, file in (name.split("/") for name in names)]
    models = named or list_models(params)
    figures = {model: summarize(model, params.seeds) for model in [REFERENCE, *models]}
    asked = [("", model, None) for model in named] or list(choose(figures))
    reference = right(REFERENCE, params.seeds)
    lines = [
        row(budget, model, figures[model], right(model, params.seeds), reference, points)
        for budget, model, points in [("float", REFERENCE, None), *asked]
    ]
    print(pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True))  # noqa: T201


def list_models(params: Params) -> list[Model]:
    """Return all models of a run."""
    return [
        (backbone, variant, name)
        for backbone in params.backbones
        for variant, promise in VARIANTS.items()
        for name in promise.formats
    ]


def choose(figures: Mapping[Model, Mapping[str, float]]) -> Iterator[tuple[str, Model, float | None]]:
    """Yield each budget, the best model within it, and the points from the reference that were wanted."""
    for budget, points in WANTED.items():
        fitting = {model: each for model, each in figures.items() if each["gzip_bytes"] <= budget}
        yield f"at most {budget:,}", best(fitting), points


def summarize(model: Model, seeds: Sequence[int]) -> dict[str, float]:
    """Return the accuracy on validation pictures of all seeds together, and the most bytes."""
    backbone, variant, name = model
    of_seeds = [read_record(paths.metrics(backbone, variant, seed))["formats"][name] for seed in seeds]
    pictures = [
        sum(sides["val"] for sides in read_record(paths.split_report(seed))["classes"].values()) for seed in seeds
    ]
    correct = [round(each["val_accuracy"] * n) for each, n in zip(of_seeds, pictures, strict=True)]
    # Of counts: means of rounded accuracies differ where models are right as often.
    return {"val_accuracy": sum(correct) / sum(pictures), "gzip_bytes": max(each["gzip_bytes"] for each in of_seeds)}


def right(model: Model, seeds: Sequence[int]) -> Right:
    """Return (S, N): whether the model of each seed is right about each test picture."""
    backbone, variant, name = model
    predictions = [pd.read_csv(paths.predictions(backbone, variant, seed)) for seed in seeds]
    return np.stack([(rows[name] == rows["label"]).to_numpy() for rows in predictions])


def row(
    budget: str, model: Model, figures: dict[str, float], its: Right, reference: Right, wanted: float | None
) -> dict[str, str]:
    """Return what a row of the table says."""
    difference = compare(its, reference)
    interval = f"({difference.low:.1f} to {difference.high:.1f})"
    return {
        "budget, gzip bytes": budget,
        "model": "/".join(model),
        "gzip bytes, largest": f"{figures['gzip_bytes']:,.0f}",
        "validation": f"{figures['val_accuracy']:.2%}",
        "test": f"{its.mean():.2%}",
        "points from float MobileNetV2 (95%)": f"{difference.points:.2f} {interval}",
        "wanted": "" if wanted is None else f"{wanted:g} or better",
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
