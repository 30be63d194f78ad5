"""Several seeds of the params that are here -> their figures and one table: `make seeds NAME=photos SEEDS='0 1 2'`.

The test split is that of `split.test_seed` for all seeds; training, and the split into train and val, follow `seed`.
docs/results/NAME/seed-N.json holds the metrics of a seed, seed-N.csv 1 for each picture that a model got right,
table.md the means.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import bootstrap

from maskopt import paths
from maskopt.profiles import EDITOR
from maskopt.records import read_record, write_record
from maskopt.variants import VARIANTS

RESULTS = Path("docs/results")
PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert")
FLOAT = "finetuned float32"  # what each model is compared with


def main() -> None:
    """Run and collect each seed, then write the table of all that were collected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the folder in docs/results")
    parser.add_argument("seeds", type=int, nargs="*", help="to run; none: only write the table anew")
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        set_seed(seed)
        subprocess.run([sys.executable, "-m", "maskopt", "run", "--no-server"], check=True)
        collect(seed, RESULTS / arguments.name)
    write_table(arguments.name)


def set_seed(seed: int) -> None:
    """Put a seed into params.yaml."""
    params = EDITOR.load(paths.PARAMS)
    params["seed"] = seed
    with paths.PARAMS.open("w", encoding="utf-8") as file:
        EDITOR.dump(params, file)


def collect(seed: int, folder: Path) -> None:
    """Copy the metrics of the run that is here, and which test pictures each model gets right."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics: dict[str, dict[str, object]] = {}
    right: dict[str, pd.Series] = {}
    backbones = EDITOR.load(paths.PARAMS)["backbones"]
    for file in sorted(file for name in backbones for file in (paths.METRICS / name).glob("*.json")):
        backbone, variant = file.parent.name, file.stem
        metrics.setdefault(backbone, {})[variant] = read_record(file)
        rows = pd.read_csv(paths.predictions(backbone, variant)).set_index("path")
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
    for model in next(iter(right.values())).columns:
        backbone, variant, file_format = model.split()
        figures = [record[backbone][variant]["formats"][file_format] for record in records.values()]
        ours = np.mean([table[model] for table in right.values()], axis=0)  # by picture
        reference = np.mean([table[f"{backbone} {FLOAT}"] for table in right.values()], axis=0)
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
