"""The finished run that is here -> its figures in git: `make results NAME=photos`.

docs/results/NAME gets seed-N.json, the metrics of a seed with commit, date and versions, the report's tables, and its
picture of all models.
"""

import argparse
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from maskopt import paths
from maskopt.files import read_record, write_record
from maskopt.params import load_params
from maskopt.tflite.variants import VARIANTS

RESULTS = Path("docs/results")
PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert")
PICTURE = "size_against_accuracy.png"
TABLES = ("models", "seeds", "recall", "robustness", "shortcuts")  # of the report, where they are there


def main() -> None:
    """Copy the metrics of each seed, and the tables of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the folder in docs/results")
    folder, params = RESULTS / parser.parse_args().name, load_params(paths.PARAMS)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    made = {
        "commit": commit.stdout.strip(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
    for seed in params.seeds:
        metrics = {
            backbone: {variant: read_record(paths.metrics(backbone, variant, seed)) for variant in VARIANTS}
            for backbone in params.backbones
        }
        write_record(folder / f"seed-{seed}.json", {"made": made, **metrics})
    names = [f"{table}.{kind}" for table in TABLES for kind in ("csv", "md")]
    for file in (paths.REPORT / name for name in (*names, PICTURE)):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)


if __name__ == "__main__":
    main()
