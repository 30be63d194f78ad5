"""The real dvc.yaml from drawn pictures to tables, and its outputs in another clone."""

import json
from functools import partial
from shutil import make_archive

import pytest
from small import shrink

from maskopt.tflite.variants import VARIANTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(new_workspace):
    workspace = new_workspace(partial(shrink, backbones=["separable"], size_px=32))
    workspace.run("dvc", "repro")
    return workspace


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_is_measured_in_each_of_its_formats(finished, variant):
    metrics = json.loads((finished.root / f"data/metrics/seed-0/separable/{variant}.json").read_text())
    assert tuple(metrics["formats"]) == VARIANTS[variant].formats


def test_report_shows_both_tables(finished):
    page = (finished.root / "data/report/report.md").read_text()
    assert "## Table 1" in page
    assert "## Table 2" in page


def test_second_repro_runs_nothing(finished):
    assert "Running stage" not in finished.run("dvc", "repro")


def test_metrics_are_left_to_git_and_models_to_dvc(finished):
    untracked = finished.run("git", "status", "--porcelain", "--untracked-files=all")
    assert "data/metrics/seed-0/separable/pcqat.json" in untracked
    assert "data/models" not in untracked


def clone(workspace, target, store, *stages):
    """Push all that a workspace has made, commit the rest, and pull both in another clone."""
    workspace.run("make", "remote", f"URL={store}")
    workspace.run("dvc", "push", "--quiet")
    workspace.commit()
    workspace.run("git", "clone", "--quiet", ".", str(target))
    other = type(workspace)(target)
    (target / ".venv").mkdir()
    (target / ".venv" / ".ready").touch()
    other.run("make", "remote", f"URL={store}")
    other.run("dvc", "pull", "--quiet", "--with-deps", *stages)
    return other


def test_remote_brings_everything_to_another_clone(finished, tmp_path):
    other = clone(finished, tmp_path / "other", tmp_path / "store")
    assert "Running stage" not in other.run("dvc", "repro")
    assert other.run("dvc", "status").strip() == "Data and pipelines are up to date."


def test_remote_brings_an_archive_that_was_added(finished, new_workspace, tmp_path):
    def from_archive(params):
        shrink(params, backbones=["separable"], size_px=32)
        params["data"] |= {"source": "archive", "path": "data/incoming/faces.zip"}

    workspace = new_workspace(from_archive)
    make_archive(str(workspace.root / "data/incoming/faces"), "zip", finished.root / "data/raw")
    workspace.run("dvc", "add", "--quiet", "data/incoming/faces.zip")
    stages = ("split", "pixels", "weights@separable")
    workspace.run("dvc", "repro", *stages)
    other = clone(workspace, tmp_path / "other", tmp_path / "store", *stages)
    assert "Running stage" not in other.run("dvc", "repro", *stages)


def test_metrics_diff_speaks_between_commits(finished):
    finished.commit()
    finished.change_params(lambda params: params["prune"].update(final_sparsity=0.6))
    finished.run("dvc", "repro", "measured@separable-pruned-0")
    assert "sparsity" in finished.run("dvc", "metrics", "diff")
    assert "prune.final_sparsity" in finished.run("dvc", "params", "diff")


def test_error_of_a_stage_is_short_and_leaves_nothing_behind(finished):
    before = sorted(path.name for path in (finished.root / "data").iterdir())
    finished.change_params(lambda params: params["data"].update(source="archive", path="data/incoming/none.zip"))
    (finished.root / "data/incoming/none.zip").write_bytes(b"no archive")
    text = finished.run("dvc", "repro", "fetch", fails=True)
    assert "data/incoming/none.zip cannot be unpacked: damaged, or neither zip nor tar" in text
    assert "Traceback" not in text
    assert sorted(path.name for path in (finished.root / "data").iterdir()) == [n for n in before if n != "raw"]
