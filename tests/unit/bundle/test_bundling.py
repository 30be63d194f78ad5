"""Which bundles are made, and what they may replace."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bundles import CLASSES, DRAWINGS, NAME, carry, claim

from maskopt import paths
from maskopt.bundle.description import FILE
from maskopt.bundle.sums import write_sums
from maskopt.bundling import make_bundle
from maskopt.cli import main
from maskopt.errors import CannotBundle, ChangedFiles, ForeignFiles, MissingFile, Occupied, UnknownName, UnusableAbout
from maskopt.tflite.origin import to_bytes
from maskopt.tflite.slimming import slim
from maskopt.training.pictures import choose_pictures, digest


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["notes.txt"], "'notes.txt'"),
        (["web/b\n.jpg", "micro/c", "a"], "'a', 'micro/c', 'web/b\\n.jpg'"),
        (list("abcde"), "'a', 'b', 'c' and 2 more"),
    ],
)
def test_bundle_that_people_added_to_is_not_replaced(bundle, params, names, told):
    for name in names:
        (bundle / name).write_text("mine")
    with pytest.raises(ForeignFiles) as err:
        make_bundle(params, NAME, "int8", 0, bundle)
    assert str(err.value) == (
        f"bundles/tiny holds {told}, which no bundle holds and a new one would delete: "
        "move that elsewhere, or give another folder with --out"
    )
    assert all((bundle / name).read_text() == "mine" for name in names)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda bundle: (bundle / "README.md").write_text("# For doors\n"), "'README.md'"),
        (lambda bundle: (bundle / "web" / "app.js").write_text(""), "'web/app.js'"),
        (
            lambda bundle: (bundle / "SHA256SUMS").unlink(),  # as in bundles made before there were any
            "'README.md', 'example.py', 'labels.txt' and 13 more",
        ),
    ],
)
def test_bundle_that_people_changed_is_not_replaced(bundle, params, change, told):
    change(bundle)
    before = {file: file.read_bytes() for file in bundle.rglob("*") if file.is_file()}
    with pytest.raises(ChangedFiles) as err:
        make_bundle(params, NAME, "int8", 0, bundle)
    assert str(err.value) == (
        f"bundles/tiny holds {told} not as SHA256SUMS there says: a new bundle would replace what somebody has "
        "changed. Copy elsewhere what you want to keep and delete the folder, or give another one with --out"
    )
    assert {file: file.read_bytes() for file in bundle.rglob("*") if file.is_file()} == before


def test_bundle_that_tells_other_classes_is_kept_beside_the_new_one(bundle, params, caplog):
    description = bundle / FILE
    description.write_text(description.read_text().replace('"without_mask"', '"round\\n"'))
    write_sums(bundle)
    former = description.read_bytes()
    make_bundle(params, NAME, "int8", 0, bundle)
    kept = bundle.with_name(f"tiny-with_mask-round_-mask_weared_incorrect-{json.loads(former)['sha256'][:8]}")
    assert (kept / FILE).read_bytes() == former
    assert caplog.messages[-1:] == [
        f"bundles/tiny held a bundle that tells with_mask, round\\n, mask_weared_incorrect: that is {kept.name} beside "
        "it now"
    ]
    assert sorted(paths.BUNDLES.iterdir()) == [bundle, kept]
    make_bundle(params, NAME, "int8", 0, bundle)
    assert sorted(paths.BUNDLES.iterdir()) == [bundle, kept]


@pytest.mark.parametrize(
    ("other", "told"),
    [("a" * 300, f"with_mask-{'a' * 38}"), ("../../größe", "with_mask-______größe-mask_weared_incorrect")],
)
def test_name_of_a_bundle_that_is_kept_is_bounded_and_leads_nowhere_else(bundle, params, other, told):
    description = bundle / FILE
    description.write_text(description.read_text().replace('"without_mask"', json.dumps(other)))
    write_sums(bundle)
    make_bundle(params, NAME, "int8", 0, bundle)
    sha256 = json.loads(description.read_text())["sha256"]
    assert sorted(paths.BUNDLES.iterdir()) == [bundle, bundle.with_name(f"tiny-{told}-{sha256[:8]}")]


def test_bundle_that_was_used_is_replaced(bundle, params):
    for name in ("web/node_modules/@litertjs/core/index.js", "__pycache__/example.pyc"):
        (bundle / name).parent.mkdir(parents=True)
        (bundle / name).write_text("")
    make_bundle(params, NAME, "int8", 0, bundle)
    assert not (bundle / "web" / "node_modules").exists()


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("about.md", "a file"),
        ("data", "a folder of other files, without a model.json"),
        (".", "the folder that you work in, or around it"),
        ("data/..", "the folder that you work in, or around it"),
        ("..", "the folder that you work in, or around it"),
    ],
)
def test_bundle_replaces_nothing_but_a_bundle(params, tmp_path, target, found):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Occupied) as err:
        make_bundle(params, NAME, "int8", 0, Path(target))
    assert str(err.value) == (
        f"{Path(target)} is {found}, which a bundle would replace: with --out give a folder that does not exist, is "
        "empty or holds a bundle"
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("run")
def test_empty_folder_is_filled_also_behind_a_link(params, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    make_bundle(params, NAME, "int8", 0, Path("link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / FILE).is_file()


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("name", "file_format", "seed", "message"),
    [
        (
            "separabel/qat",
            "int8",
            0,
            "network 'separabel'; known: bottleneck, separable. Did you mean 'separable'?",
        ),
        ("separable/qta", "int8", 0, "unknown variant 'qta'; known: baseline,"),
        ("ecqat", "int8", 0, "unknown NETWORK/VARIANT 'ecqat'; known: bottleneck/ecqat, separable/ecqat."),
        (
            "separable",
            "int8",
            0,
            "unknown NETWORK/VARIANT 'separable'; known: separable/baseline,",
        ),
        ("qta", "int8", 0, "unknown NETWORK/VARIANT 'qta'; known: bottleneck/baseline,"),
        ("separable/qat", "float32", 0, "unknown format of qat 'float32'; known: int8."),
        ("separable/qat", "int8", 7, "unknown seed '7'; known: 0."),
    ],
)
def test_name_that_is_not_known_is_refused(params, name, file_format, seed, message):
    with pytest.raises(UnknownName, match=re.escape(message)):
        make_bundle(params, name, file_format, seed, paths.BUNDLES / "x")
    assert not paths.BUNDLES.exists()


@pytest.mark.usefixtures("run")
def test_model_that_was_not_made_says_how_to_make_it(params):
    with pytest.raises(CannotBundle) as err:
        make_bundle(params, "bottleneck/qat", "int8", 0, paths.BUNDLES / "x")
    assert str(err.value) == (
        "bottleneck/qat cannot be bundled: data/models/seed-0/bottleneck/qat/int8.tflite is missing. "
        "Run `maskopt run --target measured@bottleneck-qat-0`"
    )


def refusal(params):
    """Return why no bundle of the model can be made."""
    with pytest.raises(CannotBundle) as err:
        make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    return str(err.value)


@pytest.mark.usefixtures("run")
def test_classes_and_aspect_are_those_that_the_model_was_made_with(params, tiny_files):
    sides = (
        choose_pictures(pd.read_csv(paths.split(0)), side, CLASSES[::-1], np.load(paths.pixels(8)))
        for side in ("train", "val")
    )
    learned = {"classes": CLASSES[::-1], "pictures": digest(*sides)}
    carry(tiny_files, **learned, aspect="pad")
    made = make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    assert (made.classes, made.input.aspect) == (CLASSES[::-1], "pad")
    carry(tiny_files, **learned)  # as records before had it
    assert make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x").input.aspect == "stretch"


@pytest.mark.usefixtures("run")
def test_model_of_other_classes_than_the_pictures_is_refused(params, tiny_files):
    carry(tiny_files, classes=["circle", "square", "with_mask"])
    assert refusal(params) == (
        "separable/qat cannot be bundled: it tells circle, square, with_mask, and pictures of data/split/0.csv show "
        "without_mask. Run `maskopt run --target measured@separable-qat-0`"
    )
    assert not paths.BUNDLES.exists()


@pytest.mark.usefixtures("run")
def test_figures_of_other_classes_than_the_model_are_refused(params, tiny_files):
    carry(tiny_files, classes=["with_mask", "without_mask", "scarf"])
    assert refusal(params) == (
        "separable/qat cannot be bundled: it tells with_mask, without_mask, scarf, and data/metrics/seed-0/separable/"
        "qat.json is of with_mask, without_mask, mask_weared_incorrect. "
        "Run `maskopt run --target measured@separable-qat-0`"
    )


@pytest.mark.usefixtures("run")
def test_bundle_without_git_is_of_no_commit(params, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x").commit is None


@pytest.mark.usefixtures("run")
def test_model_that_learned_from_other_pictures_is_refused(params, tiny_files):
    carry(tiny_files)
    np.save(paths.pixels(8), tiny_files.pictures ^ 1)
    assert refusal(params) == (
        "separable/qat cannot be bundled: it learned from other pictures than those that are here now. "
        "Run `maskopt run --target measured@separable-qat-0`"
    )


@pytest.mark.usefixtures("run")
def test_figures_of_another_file_are_refused(params, tiny_files):
    file = paths.tflite("separable", "qat", 0, "int8")
    file.write_bytes(slim(tiny_files.int8.read_bytes(), {}, to_bytes({"seed": 1})))
    assert refusal(params) == (
        "separable/qat cannot be bundled: data/metrics/seed-0/separable/qat.json is of another file than "
        "data/models/seed-0/separable/qat/int8.tflite. Run `maskopt run --target measured@separable-qat-0`"
    )


@pytest.mark.usefixtures("run")
def test_figures_of_a_file_that_is_as_large_gzipped_too_are_refused(params, tiny_files):
    carry(tiny_files, note="ab" * 8)
    made = paths.tflite("separable", "qat", 0, "int8")
    content = made.read_bytes()
    made.write_bytes(content.replace(b"ab" * 8, b"ba" * 8))
    assert len(made.read_bytes()) == len(content)
    assert "separable/qat.json is of another file than data/models/seed-0/separable/qat" in refusal(params)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("content", "reason"),
    [("Größe".encode("latin-1"), "it is not UTF-8"), (b"a" * 100_001, "it has 100,001 bytes, want at most 100,000")],
)
def test_words_about_the_data_that_cannot_be_read_are_told(params, content, reason):
    Path("about.md").write_bytes(content)
    with pytest.raises(UnusableAbout, match=rf"about\.md cannot be put into a model card: {reason}.*\. Write it as"):
        make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    assert not (paths.BUNDLES / "x").exists()


@pytest.mark.usefixtures("run")
def test_missing_words_about_the_data_are_told(params):
    Path("about.md").unlink()
    with pytest.raises(MissingFile) as err:
        make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    assert str(err.value) == "about.md is missing: write it, or set data.about in params.yaml to null"
    assert not paths.BUNDLES.exists()


@pytest.mark.usefixtures("run")
def test_model_that_may_be_guessing_is_bundled_with_a_word(params, caplog):
    make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    assert caplog.messages == [
        "separable/qat is right about 50.00% of the 6 validation pictures, which does not show that it is better than "
        "always naming the most frequent class (50.00%): more pictures, or more epochs, may help"
    ]
    caplog.clear()
    claim("qat", 1.0)  # of 6, the 95% interval begins at 0.61 (Wilson)
    make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    assert not caplog.messages


@pytest.mark.usefixtures("run")
def test_bundle_command_says_where_and_how_good(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["maskopt", "bundle", NAME, "--zip"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("bundles/separable-qat-int8: ")
    assert said[0].endswith(f"right about 50.00% of the test pictures, learned from {DRAWINGS}")
    assert said[1] == "bundles/separable-qat-int8.zip"
