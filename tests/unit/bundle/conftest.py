"""A finished run of the tiny model, and a bundle of it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bundles import FORMATS, NAME, measure

from maskopt import paths
from maskopt.bundling import make_bundle
from maskopt.params import load_params

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def params():
    loaded = load_params(REPOSITORY / "params.yaml")
    about = loaded.data.model_copy(update={"about": Path("about.md")})
    small = {name: network.model_copy(update={"size_px": 8}) for name, network in loaded.networks.items()}
    return loaded.model_copy(update={"data": about, "networks": small})


@pytest.fixture
def run(tiny_files, tmp_path, monkeypatch):
    """A finished run of one model, which calls each picture without_mask; half of the validation pictures are that."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "about.md").write_text("For doors alone.\n")
    (tmp_path / "params.yaml").write_text(
        (REPOSITORY / "params.yaml")
        .read_text()
        .replace("docs/about-faces", "about")
        .replace("size_px: 64", "size_px: 8")
        .replace("- 64\n", "- 8\n")
    )
    model = ("separable", "qat", 0)
    for name in FORMATS:
        file = paths.tflite(*model, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tiny_files.int8, file)
    measure(tiny_files)
    rows = pd.DataFrame({"path": list("abcdef"), "label": ["without_mask", "with_mask"] * 3, "split": "val"})
    paths.SPLITS.mkdir()
    rows.to_csv(paths.split(0), index=False)
    paths.PIXELS.mkdir()
    np.save(paths.pixels(8), tiny_files.pictures)


@pytest.fixture
def bundle(run, params):  # noqa: ARG001
    folder = paths.BUNDLES / "tiny"
    make_bundle(params, NAME, "int8", 0, folder)
    return folder
