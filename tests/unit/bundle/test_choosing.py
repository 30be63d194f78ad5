"""`maskopt classify` without --bundle: the best bundle, and models of the run that are better or can be made one."""

import json
import re
import shutil
from pathlib import Path

import pytest
from bundles import BEST_BY, CLASSES, DRAWINGS, carry, claim, copy_model, picture
from typer.testing import CliRunner

from maskopt import paths
from maskopt.bundle.description import FILE
from maskopt.classifying import best_bundle
from maskopt.cli import app
from maskopt.errors import BrokenBundle, NoBundle


@pytest.mark.parametrize(
    ("name", "got", "most"),
    [
        ("val_accuracy", None, "1"),
        ("val_accuracy", 1.5, "1"),
        ("val_accuracy", 10**400, "1"),
        ("gzip_bytes", "many", "268,435,456"),
    ],
)
def test_description_without_figures_to_choose_by_is_refused(bundle, name, got, most):
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"metrics": said["metrics"] | {name: got}}))
    with pytest.raises(
        BrokenBundle,
        match=re.escape(f"metrics.{name}: want a number from 0 to {most}, got {json.dumps(got)[:50]}. Make"),
    ):
        best_bundle(paths.BUNDLES, CLASSES)
    assert best_bundle(paths.BUNDLES, ("circle", "square")) is None  # not one to choose among


def told_by_classify(tmp_path):
    """Return what classify says beside its answers, without --bundle."""
    picture().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert json.loads(done.stdout)[0]["label"] == "without_mask"
    return done.stderr.splitlines()


def with_bundle(name):
    return f"with bundles/{name}, the best in bundles: {BEST_BY}; it learned from {DRAWINGS}"


def test_best_bundle_is_taken_by_default(bundle, tmp_path):
    shutil.copytree(bundle, paths.BUNDLES / "better")
    said = json.loads((bundle / FILE).read_text())
    better = said | {"classes": CLASSES[::-1], "metrics": said["metrics"] | {"val_accuracy": 0.6}}
    (paths.BUNDLES / "better" / FILE).write_text(json.dumps(better))
    picture().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert list(json.loads(done.stdout)[0]["scores"]) == list(CLASSES[::-1])
    assert done.stderr == f"with bundles/better, the best in bundles: {BEST_BY}; it learned from {DRAWINGS}\n"


def test_bundle_of_other_classes_is_not_taken(bundle, tmp_path, tiny_files):
    """As at the end of docs/own-data.md, in a repository that has a bundle and a model of masks."""
    carry(tiny_files, classes=CLASSES)
    shapes = ("circle", "square", "triangle")
    shutil.copytree(bundle, paths.BUNDLES / "shapes")
    said = json.loads((bundle / FILE).read_text())
    worse = said | {"classes": shapes, "metrics": said["metrics"] | {"val_accuracy": 0.4}}
    (paths.BUNDLES / "shapes" / FILE).write_text(json.dumps(worse))
    masks = "".join(f"    - {name}\n" for name in CLASSES)
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace(masks, "".join(f"    - {name}\n" for name in shapes)))
    picture().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert list(json.loads(done.stdout)[0]["scores"]) == list(shapes)
    assert done.stderr == f"with bundles/shapes, the best in bundles: {BEST_BY}; it learned from {DRAWINGS}\n"
    Path("params.yaml").unlink()  # where the bundles alone are
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert done.stderr == f"with bundles/tiny, the best in bundles: {BEST_BY}; it learned from {DRAWINGS}\n"


@pytest.mark.usefixtures("bundle")
def test_model_of_the_run_that_is_better_than_all_bundles_is_named(tmp_path):
    copy_model("pqat")
    claim("pqat", 0.6)
    assert told_by_classify(tmp_path) == [
        with_bundle("tiny"),
        "the last run has a better model, separable/pqat: to use it, `maskopt bundle separable/pqat`",
    ]
    assert CliRunner().invoke(app, ["bundle", "separable/pqat"]).exit_code == 0
    assert told_by_classify(tmp_path) == [with_bundle("separable-pqat-int8")]


@pytest.mark.usefixtures("bundle")
def test_worse_model_and_figures_without_a_model_are_not_named(tmp_path):
    copy_model("pqat")
    claim("pqat", 0.4)
    claim("pcqat", 0.6)  # git's
    assert told_by_classify(tmp_path) == [with_bundle("tiny")]


@pytest.mark.usefixtures("bundle")
def test_broken_model_of_the_run_keeps_no_bundle_from_its_work(tmp_path):
    copy_model("pqat")
    claim("pqat", 0.6)
    paths.tflite("separable", "pqat", 0, "int8").write_bytes(b"")
    assert told_by_classify(tmp_path) == [with_bundle("tiny")]


@pytest.mark.usefixtures("run")
def test_without_a_bundle_classify_makes_one_of_the_best_model(tmp_path, tiny_files):
    carry(tiny_files)
    copy_model("pqat")
    claim("pqat", 0.4)  # worse
    carry(tiny_files, "cqat", packages={"numpy": "2.0"})  # as good, but larger
    claim("pcqat", 0.9)  # its file is gone
    copy_model("clustered")
    claim("clustered", 0.9, sha256=64 * "0")  # figures of another file
    carry(tiny_files, "ecqat", classes=["circle", "square", "triangle"])  # of other classes
    claim("ecqat", 0.9)
    picture().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert json.loads(done.stdout)[0]["label"] == "without_mask"
    chosen, made = done.stderr.splitlines()
    assert chosen == f"separable/qat is the best int8 model of seed 0: {BEST_BY}"
    assert made.startswith("bundles/separable-qat-int8: ")
    again = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert again.stderr == (
        f"with bundles/separable-qat-int8, the best in bundles: {BEST_BY}; it learned from {DRAWINGS}\n"
    )


def no_bundle(tmp_path):
    """Return what classify says where there is nothing to classify with."""
    picture().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png")])
    assert isinstance(done.exception, NoBundle)
    return str(done.exception)


@pytest.mark.usefixtures("run")
def test_without_a_bundle_or_a_run_classify_says_what_to_do(tmp_path):
    paths.metrics("separable", "qat", 0).unlink()
    assert no_bundle(tmp_path) == (
        "no bundle in bundles tells with_mask, without_mask, mask_weared_incorrect, and no measured model is there to "
        "make one of: run `maskopt run`, mend data.classes in params.yaml, or name a bundle with --bundle FOLDER"
    )


@pytest.mark.usefixtures("run")
def test_figures_that_git_keeps_are_not_taken_for_those_of_a_run(tmp_path, tiny_files):
    for variant in ("pcqat", "pqat"):
        claim(variant, 0.9)
    carry(tiny_files, "ecqat", classes=["circle", "square", "triangle"])
    claim("qat", 0.5, sha256=64 * "0")
    assert no_bundle(tmp_path) == (
        "no bundle in bundles tells with_mask, without_mask, mask_weared_incorrect, and no measured model is there to "
        "make one of (data/metrics has figures of 4: 2 without a file in data/models, 1 of other classes, "
        "1 measured on another file than the one in data/models): "
        "run `maskopt run`, mend data.classes in params.yaml, or name a bundle with --bundle FOLDER"
    )
