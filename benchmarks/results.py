"""The finished run that is here -> the figures of each of its seeds and one table: `make results NAME=photos`.

The test split is that of `split.test_seed` for all seeds; training, and the split into train and val, follow a seed.
docs/results/NAME/seed-N.json holds the metrics of a seed, seed-N.csv 1 for each picture that a model got right,
table.md the means.
"""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap

from maskopt import paths
from maskopt.params import load_params
from maskopt.records import read_record, write_record
from maskopt.variants import VARIANTS

RESULTS = Path("docs/results")
PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert")
FLOAT = "finetuned float32"  # what each model is compared with


def main() -> None:
    """Collect each seed, then write the table of all that were ever collected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the folder in docs/results")
    parser.add_argument("--table-only", action="store_true", help="of what was collected before")
    arguments = parser.parse_args()
    if not arguments.table_only:
        params = load_params(paths.PARAMS)
        for seed in params.seeds:
            collect(seed, params.backbones, RESULTS / arguments.name)
    write_table(arguments.name)


def collect(seed: int, backbones: Sequence[str], folder: Path) -> None:
    """Copy the metrics of a seed, and which test pictures each model gets right."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics: dict[str, dict[str, object]] = {}
    right: dict[str, pd.Series] = {}
    for backbone, variant in sorted((backbone, variant) for backbone in backbones for variant in VARIANTS):
        metrics.setdefault(backbone, {})[variant] = read_record(paths.metrics(backbone, variant, seed))
        rows = pd.read_csv(paths.predictions(backbone, variant, seed)).set_index("path")
        for file_format in VARIANTS[variant].formats:
            right[f"{backbone} {variant} {file_format}"] = (rows[file_format] == rows["label"]).astype(int)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    made = {"commit": commit.stdout.strip(), "date": f"{datetime.now(UTC):%Y-%m-%d}", "cores": os.cpu_count()}
    write_record(folder / f"seed-{seed}.json", {"made": made, **metrics})
    pd.DataFrame(right).to_csv(folder / f"seed-{seed}.csv")


def write_table(name: str) -> None:
    """Write the means over all seeds that were collected."""
    files = sorted((RESULTS / name).glob("seed-*.json"))
    records = {file.stem.removeprefix("seed-"): json.loads(file.read_text(encoding="utf-8")) for file in files}
    right = {seed: pd.read_csv(RESULTS / name / f"seed-{seed}.csv", index_col="path") for seed in records}
    made = {seed: record.pop("made") for seed, record in records.items()}
    rows = []
    for model in dict.fromkeys(model for table in right.values() for model in table.columns):
        backbone, variant, file_format = model.split()
        seeds = [seed for seed, table in right.items() if model in table]
        figures = [records[seed][backbone][variant]["formats"][file_format] for seed in seeds]
        ours = np.mean([right[seed][model] for seed in seeds], axis=0)  # by picture
        reference = np.mean([right[seed][f"{backbone} {FLOAT}"] for seed in seeds], axis=0)
        rows.append(
            {
                "network": backbone,
                "variant": variant,
                "format": file_format,
                "gzip bytes, mean": f"{np.mean([figure['gzip_bytes'] for figure in figures]):,.0f}",
                "largest": f"{max(figure['gzip_bytes'] for figure in figures):,}",
                "accuracy by seed": " ".join(f"{figure['accuracy']:.1%}" for figure in figures),
                "mean (95% interval)": with_interval(ours),
                "points from float (95% interval)": "-" if model.endswith(FLOAT) else with_interval(ours - reference),
            }
        )
    origins = "; ".join(f"seed {seed}: commit {fact['commit']}, {fact['date']}" for seed, fact in made.items())
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    (RESULTS / name / "table.md").write_text(
        f"{origins}. Python {platform.python_version()}, {packages}.\n\n{table}\n", encoding="utf-8"
    )


def with_interval(values: npt.NDArray[np.float64]) -> str:
    """Return the mean over pictures of means over seeds, in percent, with its bootstrap interval over pictures."""
    if not np.ptp(values):
        return f"{100 * values.mean():.2f}"
    found = bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    return f"{100 * values.mean():.2f} ({100 * found.low:.2f} to {100 * found.high:.2f})"


if __name__ == "__main__":
    main()
