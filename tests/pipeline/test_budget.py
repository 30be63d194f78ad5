"""A search on few pictures: real training, real DVC experiments, ended and gone on with."""

import io
import os
import signal
import subprocess
import sys
import time

import optuna
import pandas as pd
import pytest
from ruamel.yaml import YAML
from small import shrink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PER_TRIAL = 3  # epochs: baseline, finetune, entropy
STUDIES = ".dvc/tmp/maskopt/search/studies.db"


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


def studies(workspace):
    file = workspace.root / STUDIES
    return [
        optuna.load_study(study_name=name, storage=f"sqlite:///{file}")
        for name in (optuna.get_all_study_names(f"sqlite:///{file}") if file.is_file() else ())
    ]


def test_search_that_is_killed_gives_back_the_epochs_of_what_was_under_way(new_workspace):
    workspace = new_workspace(narrow)
    search = [sys.executable, "-m", "maskopt", "search", "--max-kb", "50", "--jobs", "2", "--no-server"]
    process = subprocess.Popen(
        search, cwd=workspace.root, env=os.environ | {"PYTHONPATH": str(workspace.root)}, stdout=subprocess.DEVNULL
    )
    while not studies(workspace) or len(studies(workspace)[0].trials) < 2:
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    workspace.run("maskopt", *search[3:])
    (study,) = studies(workspace)
    ended = [trial.state.name for trial in study.trials]
    assert ended[:2] == ["FAIL", "FAIL"]
    assert sum(state in ("COMPLETE", "PRUNED") for state in ended) == 2


def test_search_of_candidates_that_fail_says_why(new_workspace):
    def broken(params):
        narrow(params)
        params["networks"]["separable"]["trunk"]["until"] = "no_such_layer"

    workspace = new_workspace(broken)
    said = workspace.run("maskopt", "search", "--max-kb", "50", "--jobs", "2", "--no-server", fails=True)
    assert "no candidate came to its end; of the last one:" in said
    assert "no_such_layer" in said
    assert said.rstrip().endswith("Mend that, then search again")


def test_search_with_few_epochs_trains_nothing(new_workspace):
    def brief(params):
        narrow(params)
        params["search"]["epochs"] = PER_TRIAL - 1

    workspace = new_workspace(brief)
    said = workspace.run("maskopt", "search", "--max-kb", "50", "--no-server", fails=True)
    assert "search.epochs: want at least 3, those of one candidate, got 2: give more" in said
    assert not (workspace.root / STUDIES).exists()
