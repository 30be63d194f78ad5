"""A search on few pictures: real training, real DVC experiments, ended and gone on with."""

import io

import pandas as pd
import pytest
from ruamel.yaml import YAML
from small import shrink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PER_TRIAL = 3  # epochs: baseline, finetune, entropy


def narrow(params):
    shrink(params, ["separable"], 32)
    params["entropy"]["epochs"] = 1
    params["search"] |= {"widths": [0.25, 0.5], "depths": [1], "sizes_px": [32], "variants": ["ecqat"]}
    params["search"]["epochs"] = 2 * PER_TRIAL


def test_search_finds_what_fits_goes_on_and_is_applied(new_workspace):
    workspace = new_workspace(narrow)
    search = ("maskopt", "search", "--max-kb", "50", "--jobs", "2", "--no-server")
    said = workspace.run(*search)
    assert "within 50 kB: " in said
    first = pd.read_csv(workspace.root / "data" / "search.csv")
    assert 1 <= len(first) <= 2  # a float model that is no better than what fits is not compressed
    workspace.change_params(lambda params: params["search"].update(epochs=4 * PER_TRIAL))
    workspace.run(*search)
    tried = pd.read_csv(workspace.root / "data" / "search.csv")
    assert tried["experiment"].tolist()[: len(first)] == first["experiment"].tolist()
    assert tried["front"].any()
    shown = pd.read_csv(io.StringIO(workspace.run("dvc", "exp", "show", "--csv")))
    assert set(tried["experiment"]) <= set(shown["Experiment"])
    workspace.run("maskopt", "profile", "search-50kB")
    params = YAML(typ="safe").load(workspace.root / "params.yaml")
    best = tried.sort_values(["val_accuracy", "gzip_bytes"], ascending=[False, True]).iloc[0]
    assert params["networks"]["separable"]["trunk"]["width"] == best["width"]
    assert params["entropy"]["nats_per_bit"] == best["nats_per_bit"]
    said = workspace.run("maskopt", "run", "--no-server", "--target", "measured@separable-ecqat-0")
    assert "Stage 'ecqat@separable-0' is cached" in said


def test_search_that_finds_nothing_says_what_came_nearest(new_workspace):
    workspace = new_workspace(narrow)
    said = workspace.run("maskopt", "search", "--max-kb", "1", "--jobs", "2", "--no-server", fails=True)
    assert "no model within 1 kB after 6 epochs: the smallest of " in said
    assert "Give more kB, more search.epochs, or narrower networks in search of params.yaml" in said
