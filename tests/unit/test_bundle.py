"""A bundle of the tiny model of a finished run, and its use."""

import base64
import csv
import hashlib
import io
import json
import math
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import maskopt
from maskopt import paths
from maskopt.bundle.card import write_card
from maskopt.bundle.description import FILE, MODEL, read_description
from maskopt.bundle.micro import METHODS, arena_bytes, sure_from
from maskopt.bundle.threshold import choose_threshold
from maskopt.bundling import TEMPLATE, make_bundle, zip_bundle
from maskopt.classifying import best_bundle
from maskopt.cli import app, main
from maskopt.data.picture import as_seen, fit
from maskopt.errors import (
    BrokenBundle,
    CannotBundle,
    ChangedFiles,
    ForeignFiles,
    MissingFile,
    NoBundle,
    NoPictures,
    NotAModel,
    Occupied,
    UnknownName,
    UnreadablePicture,
    WrongArray,
)
from maskopt.files import write_record
from maskopt.measuring.litert import Classifier
from maskopt.measuring.measure import assess
from maskopt.measuring.sizes import gzip_bytes
from maskopt.params import load_params
from maskopt.tflite.inspection import read_graph
from maskopt.tflite.origin import to_bytes
from maskopt.tflite.slimming import slim
from maskopt.training.pictures import choose_pictures, digest

REPOSITORY = Path(__file__).parents[2]
NAME, FORMATS = "separable/qat", ("int8",)
CLASSES = ("with_mask", "without_mask", "mask_weared_incorrect")
BEST_BY = "right most often about the validation pictures, of equals the one of the fewest gzip bytes"
DRAWINGS = "drawings that maskopt makes: no photograph was among them, how it does on photographs was not measured"


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


def measure(tiny_files, variant="qat"):
    """Write the metrics of the model of a variant as it is now."""
    content = paths.tflite("separable", variant, 0, "int8").read_bytes()
    figures = vars(
        assess(Classifier(tiny_files.int8).scores(tiny_files.pictures), np.array([1, 1, 1, 0, 0, 2]), CLASSES)
    )
    figures |= {"val_accuracy": 0.5, "raw_bytes": len(content), "gzip_bytes": gzip_bytes(content)}
    write_record(paths.metrics("separable", variant, 0), {"training": {}, "formats": {"int8": figures}})


@pytest.fixture
def bundle(run, params):  # noqa: ARG001
    folder = paths.BUNDLES / "tiny"
    make_bundle(params, NAME, "int8", 0, folder)
    return folder


def test_bundle_holds_what_each_use_needs(bundle, tiny_files):
    found = {file.relative_to(bundle).as_posix() for file in bundle.rglob("*") if file.is_file()}
    assert found == {
        *("model.tflite", "model.json", "labels.txt", "README.md", "example.py", "test_vectors.npz", "SHA256SUMS"),
        *("micro/model.h", "micro/model.cc", "micro/test_vector.h"),
        *("web/index.html", "web/style.css", "web/app.js", "web/fit.js", "web/missing.js"),
        *("web/package.json", "web/package-lock.json"),
    }
    assert (bundle / "labels.txt").read_text().split() == list(CLASSES)
    assert (bundle / MODEL).read_bytes() == tiny_files.int8.read_bytes()


def test_description_says_what_programs_must_know(bundle, tiny_files):
    said = json.loads((bundle / FILE).read_text())
    assert said["input"] == {
        "height_px": 8,
        "width_px": 8,
        "dtype": "uint8",
        "aspect": "stretch",
        "background": [255, 255, 255],
        "max_pixels": 50000000,
    }
    assert (said["output"]["dtype"], said["output"]["zero_point"], said["output"]["scale"]) == ("uint8", 0, 1 / 256)
    assert set(said["operators"]) <= METHODS.keys()
    confidences = np.sort(Classifier(bundle / MODEL).scores(tiny_files.pictures).max(axis=1))
    assert said["unsure_below"] == confidences[-2:].mean()  # the surest is right, the next is not
    assert said["unsure_share"] == pytest.approx(5 / 6)


def test_card_says_use_figures_and_origin(bundle):
    card = (bundle / "README.md").read_text()
    assert "# separable/qat/int8\n" in card
    assert "For doors alone.\n" in card
    assert "It learned from drawings that maskopt makes: no photograph was among them" in card
    assert "right about 50.00% (18.8 to 81.2)" in card
    assert "| without_mask | 100.0% | 43.9 to 100.0 |" in card
    assert "LiteRT Micro: an arena of" in card


def test_test_vectors_are_what_the_model_answers(bundle):
    vectors = np.load(bundle / "test_vectors.npz")
    np.testing.assert_array_equal(Classifier(bundle / MODEL).scores(vectors["pictures"]), vectors["scores"])
    assert json.loads((bundle / FILE).read_text())["vectors_tolerance"] == 4 / 256
    assert "Scores of the test vectors may differ by 0.015625 elsewhere" in (bundle / "README.md").read_text()


def test_array_of_c_is_the_file(bundle):
    code = (bundle / "micro" / "model.cc").read_text()
    assert bytes(int(byte, 16) for byte in re.findall(r"0x(\w\w),", code)) == (bundle / MODEL).read_bytes()
    header = (bundle / "micro" / "model.h").read_text()
    assert f"kModelBytes = {(bundle / MODEL).stat().st_size};" in header
    kinds = {operator.kind for operator in read_graph(bundle / MODEL).operators}
    assert set(re.findall(r"resolver\.(\w+)\(\)", header)) == {METHODS[kind] for kind in kinds}
    assert f"kOperators = {len(kinds)};" in header


FIRMWARE = """
#include <cstdio>
#include "model.h"
#include "test_vector.h"
int main(int, char** arguments) {
  tflite::MicroMutableOpResolver<kOperators> resolver;
  RegisterOperators(resolver);
  std::FILE* given = std::fopen(arguments[1], "wb");
  std::fwrite(kTestInput, 1, kTestInputBytes, given);
  std::fwrite(kTestOutput, 1, kTestOutputBytes, given);
  std::fwrite(kModel, 1, kModelBytes, given);
  std::fclose(given);
  unsigned char output[kTestOutputBytes];
  for (int apart = 0; apart < 6; apart++) {
    for (unsigned int i = 0; i < kTestOutputBytes; i++) {
      output[i] = kTestOutput[i] + (kTestOutput[i] < 128 ? apart : -apart);
    }
    std::printf("%d", IsTestOutput(output));
  }
  std::printf(" %d %d", kClasses, kSureFrom);
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_firmware_can_check_itself(bundle, tmp_path):
    """Compiled with an empty stand-in for the one header of LiteRT Micro."""
    header = tmp_path / "tensorflow" / "lite" / "micro" / "micro_mutable_op_resolver.h"
    header.parent.mkdir(parents=True)
    methods = " ".join(f"void {name}() {{}}" for name in METHODS.values())
    header.write_text(f"namespace tflite {{ template <int N> struct MicroMutableOpResolver {{ {methods} }}; }}\n")
    (tmp_path / "main.cc").write_text(FIRMWARE)
    code = bundle / "micro"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{code}"]
    files = [str(tmp_path / "main.cc"), str(code / "model.cc")]
    subprocess.run(["g++", *flags, *files, "-o", str(tmp_path / "main")], check=True)
    told = subprocess.run([str(tmp_path / "main"), str(tmp_path / "bytes")], capture_output=True, text=True, check=True)
    vectors, description = np.load(bundle / "test_vectors.npz"), read_description(bundle)
    output = (vectors["scores"][0] * 256).astype(np.uint8)
    expected = vectors["pictures"][0].tobytes() + output.tobytes() + (bundle / MODEL).read_bytes()
    assert (tmp_path / "bytes").read_bytes() == expected
    assert told.stdout == f"111110 3 {math.ceil(description.unsure_below * 256)}"  # up to 4 steps apart


def test_card_says_why_there_is_no_micro(bundle):
    said, none = read_description(bundle), "There is no `micro/`, a C array for LiteRT Micro: "
    assert none not in write_card(None, said)
    other = said.model_copy(update={"format": "float32", "arena_bytes": None})
    assert f"{none}the format is float32, and LiteRT Micro gets int8 alone.\n" in write_card(None, other)
    other = said.model_copy(update={"operators": ("ADD", "TOPK_V2"), "arena_bytes": None})
    assert f"{none}maskopt registers no operator TOPK_V2 with LiteRT Micro.\n" in write_card(None, other)


def test_byte_as_sure_as_the_threshold_is_sure_for_firmware():
    assert [sure_from(t, 1 / 256, 0) for t in (0, 0.5, 0.5001, 255 / 256, 0.999, 1)] == [0, 128, 129, 255, 256, 256]


def test_arena_holds_activations_and_what_is_kept_of_operators(bundle):
    graph = read_graph(bundle / MODEL)
    channels = 16 + 16 + 64 + 3  # conv, depthwise, conv, dense
    kept = 24 * len(graph.tensors) + 160 * len(graph.operators) + 8 * channels + 1536
    # Alive at once: the uint8 picture and its int8 copy, or conv's output and depthwise's, ...
    largest = max(8 * 8 * (3 + 3), 8 * 8 * (3 + 16), 8 * 8 * 16 + 4 * 4 * 16, 4 * 4 * (16 + 64))
    assert arena_bytes(graph) == -(-(largest + kept) // 1024) * 1024


def test_same_bundle_has_the_same_bytes(bundle, params):
    def content():
        return {file.relative_to(bundle): file.read_bytes() for file in bundle.rglob("*") if file.is_file()}

    before = content()
    make_bundle(params, NAME, "int8", 0, bundle)
    assert content() == before


def test_page_allows_its_own_files_and_its_import_map_alone():
    page = (TEMPLATE / "web" / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="(.+?)"', page, re.DOTALL)[1].split(";")
    rules = {words[0]: words[1:] for words in map(str.split, policy)}
    imports = re.search(r'<script type="importmap">(.+?)</script>', page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    assert rules.pop("script-src") == ["'self'", "'wasm-unsafe-eval'", f"'sha256-{digest}'"]
    assert rules == {
        **{name: ["'none'"] for name in ("default-src", "base-uri", "form-action")},
        **{name: ["'self'"] for name in ("connect-src", "style-src")},
        "img-src": ["data:"],
    }
    assert not re.search(r"<style|\bon\w+=|\bstyle=", page)


def test_packages_of_the_page_are_pinned_by_hash():
    wanted = json.loads((TEMPLATE / "web" / "package.json").read_text())["dependencies"]
    text = (TEMPLATE / "web" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert {name.removeprefix("node_modules/"): each["version"] for name, each in packages.items()} == wanted
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "://" not in text  # of whatever registry


def test_zip_holds_the_folder(bundle):
    with zipfile.ZipFile(zip_bundle(bundle)) as archive:
        names = archive.namelist()
    assert "tiny/model.tflite" in names
    assert names == sorted(names, key=lambda name: name.split("/"))  # in whatever order a disk lists them
    assert sorted(path.name for path in paths.BUNDLES.iterdir()) == ["tiny", "tiny.zip"]


def test_same_bundle_gives_the_same_zip(bundle):
    before = zip_bundle(bundle).read_bytes()
    for file in (bundle / MODEL, bundle / "web" / "app.js"):
        os.utime(file, (10**9, 10**9))
        file.chmod(0o600)
    assert zip_bundle(bundle).read_bytes() == before


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


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum")
def test_sums_are_those_that_sha256sum_reads(bundle):
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=bundle, check=False).returncode == 0
    named = {line.split("  ")[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    assert named == {file.relative_to(bundle).as_posix() for file in bundle.rglob("*") if file.is_file()} - {
        "SHA256SUMS"
    }


def test_bundle_that_was_used_is_replaced(bundle, params):
    for name in ("web/node_modules/@litertjs/core/index.js", "__pycache__/example.pyc"):
        (bundle / name).parent.mkdir(parents=True)
        (bundle / name).write_text("")
    make_bundle(params, NAME, "int8", 0, bundle)
    assert not (bundle / "web" / "node_modules").exists()


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ("imagenet", "those of ImageNet that Keras Applications publishes under Apache-2.0; ImageNet's pictures have"),
        ("data/incoming/a.h5", "a file, `data/incoming/a.h5`, whose licence maskopt does not know."),
        (None, "What the training of the weights started from is not known"),
    ],
)
def test_card_says_licences_of_weights_and_code(bundle, weights, text):
    said = read_description(bundle)
    origin = {"packages": {}, "steps": []}
    begun = write_card(None, said.model_copy(update={"origin": origin | {"weights": weights}}))
    random = write_card(None, said.model_copy(update={"origin": origin | {"weights": "none"}}))
    assert text in begun
    assert "weights were trained from" not in random
    for card in (begun, random):
        assert "is of maskopt, Apache-2.0.\nLiteRT.js, which `npm install` puts into `web/node_modules`, is" in card


def test_name_of_a_zip_keeps_its_dots(bundle):
    folder = bundle.rename(bundle.with_name("door-1.0"))
    assert zip_bundle(folder) == paths.BUNDLES / "door-1.0.zip"


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
        ("separabel/qat", "int8", 0, "known: bottleneck, separable. Did you mean 'separable'?"),
        ("separable", "int8", 0, "unknown variant ''; known: baseline,"),
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


def carry(tiny_files, variant="qat", **origin):
    """Put a record of origin into the model of a variant, of the pictures of the run, and measure it."""
    sides = (
        choose_pictures(pd.read_csv(paths.split(0)), side, CLASSES, np.load(paths.pixels(8)))
        for side in ("train", "val")
    )
    origin = {"pictures": digest(*sides), "packages": {}, "steps": []} | origin
    file = paths.tflite("separable", variant, 0, "int8")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(slim(tiny_files.int8.read_bytes(), {}, to_bytes(origin)))
    measure(tiny_files, variant)


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
def test_figures_of_another_file_of_the_same_length_are_refused(params, tiny_files):
    carry(tiny_files, note="a" * 16)
    made = paths.tflite("separable", "qat", 0, "int8")
    content = made.read_bytes()
    made.write_bytes(content.replace(b"a" * 16, b"qzjxkvbwfghmpluy"))
    assert len(made.read_bytes()) == len(content)
    assert "separable/qat.json is of another file than data/models/seed-0/separable/qat" in refusal(params)


@pytest.mark.usefixtures("run")
def test_missing_words_about_the_data_are_told(params):
    Path("about.md").unlink()
    with pytest.raises(MissingFile) as err:
        make_bundle(params, NAME, "int8", 0, paths.BUNDLES / "x")
    assert str(err.value) == "about.md is missing: write it, or set data.about in params.yaml to null"
    assert not paths.BUNDLES.exists()


def test_threshold_is_the_lowest_that_leaves_enough_right():
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], np.float32)
    assert choose_threshold(scores, np.array([0, 0, 1, 0]), 0.75) == 0
    assert choose_threshold(scores, np.array([0, 0, 1, 1]), 1.0) == pytest.approx(0.75)
    assert choose_threshold(scores, np.array([1, 1, 1, 1]), 0.5) == 1


def test_threshold_parts_no_equal_confidences():
    scores = np.array([[0.9, 0.1], [0.75, 0.25], [0.75, 0.25], [0.5, 0.5]], np.float32)
    assert choose_threshold(scores, np.array([0, 0, 1, 0]), 1.0) == pytest.approx(0.825)
    assert choose_threshold(scores[1:3], np.array([0, 1]), 1.0) == 1  # one of equals is wrong
    assert choose_threshold(scores[1:3], np.array([0, 0]), 1.0) == 0


def test_threshold_between_neighbours_is_neither():
    lower = np.nextafter(np.float32(1), np.float32(0))
    scores = np.array([[1, 0], [lower, 0]], np.float32)
    assert lower < choose_threshold(scores, np.array([0, 1]), 1.0) < 1


@pytest.mark.parametrize(
    ("unsure_below", "text"),
    [
        (
            0.825,
            "Answers less sure than 82.5% are shown as unsure: 12.3% of those about the validation pictures, of which "
            "the surer ones were right about 99.5% of the time or more.",
        ),
        (
            0,
            "No answer is shown as unsure: on the validation pictures all answers together were right about 99.5% of "
            "the time or more.",
        ),
        (
            1,
            "On the validation pictures not even the surest answers were right about 99.5% of the time or more: "
            "whatever is less sure than 100% is shown as unsure.",
        ),
    ],
)
def test_card_says_what_the_threshold_means(bundle, unsure_below, text):
    found = {"unsure_below": unsure_below, "unsure_share": 0.123, "right_when_sure": 0.995}
    assert text in write_card(None, read_description(bundle).model_copy(update=found))


def picture(size=(20, 10)):
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8))


def test_file_image_and_array_get_the_same_answer(bundle, tmp_path):
    picture().save(tmp_path / "a.png")
    opened = maskopt.load(bundle)
    answers = [opened.classify(given).scores for given in (tmp_path / "a.png", picture(), np.asarray(picture()))]
    assert answers[0] == answers[1] == answers[2]


def test_picture_is_turned_as_its_exif_says(bundle, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    picture().save(tmp_path / "turned.png", exif=exif)
    opened = maskopt.load(bundle)
    upright = picture().transpose(Image.Transpose.ROTATE_270)
    assert opened.classify(tmp_path / "turned.png").scores == opened.classify(upright).scores


def test_answer_under_the_threshold_is_unsure(bundle):
    answer = maskopt.load(bundle).classify(picture())
    assert (answer.label, answer.is_sure, answer.text) == ("without_mask", False, "unsure")
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"unsure_below": 0.2}))
    answer = maskopt.load(bundle).classify(picture())
    assert (answer.is_sure, answer.text) == (True, "without_mask")
    assert answer.confidence == max(answer.scores.values())
    assert answer.ms > 0


def test_api_imports_no_tensorflow(bundle):
    code = f"import sys, maskopt; maskopt.load({str(bundle)!r}); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_changed_model_is_refused(bundle):
    with (bundle / MODEL).open("ab") as file:
        file.write(b"x")
    with pytest.raises(BrokenBundle, match=r"tiny/model.tflite is not what `maskopt bundle` wrote: SHA-256 \w+, want"):
        maskopt.load(bundle)


def test_folders_and_huge_files_in_a_bundle_are_refused(bundle):
    (bundle / MODEL).unlink()
    (bundle / MODEL).mkdir()
    with pytest.raises(
        NotAModel, match=r"model\.tflite is not a \.tflite file that can be used here: it is a folder\. M"
    ):
        maskopt.load(bundle)
    (bundle / FILE).write_bytes(b" " * (2**20 + 1))
    with pytest.raises(
        BrokenBundle, match=r"model\.json is not .+: it has 1,048,577 bytes, want at most 1,048,576\. Make"
    ):
        maskopt.load(bundle)
    (bundle / FILE).unlink()
    (bundle / FILE).mkdir()
    with pytest.raises(BrokenBundle, match=r"model\.json is not what `maskopt bundle` wrote: it is a folder\. Make"):
        maskopt.load(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"network": 1}', '{"classes": []}'])
def test_description_of_something_else_is_refused(bundle, text):
    (bundle / FILE).write_text(text)
    with pytest.raises(BrokenBundle, match=r"tiny/model\.json is not what `maskopt bundle` wrote: "):
        maskopt.load(bundle)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"classes": CLASSES[:2]}, "it names 2 classes, the model 3"),
        ({"classes": [*CLASSES, "scarf"]}, "it names 4 classes, the model 3"),
        ({"height_px": 1000000}, "it says pictures of shape (1000000, 8, 3), the model takes (8, 8, 3)"),
        ({"width_px": 9}, "it says pictures of shape (8, 9, 3), the model takes (8, 8, 3)"),
    ],
)
def test_description_of_another_model_is_refused(bundle, change, reason):
    said = json.loads((bundle / FILE).read_text())
    part = said if "classes" in change else said["input"]
    part.update(change)
    (bundle / FILE).write_text(json.dumps(said))
    with pytest.raises(BrokenBundle) as err:
        maskopt.load(bundle)
    assert str(err.value) == (
        f"bundles/tiny/model.json is not what `maskopt bundle` wrote: {reason}. Make the bundle again"
    )


@pytest.mark.parametrize(("name", "got"), [("val_accuracy", None), ("gzip_bytes", "many")])
def test_description_without_figures_to_choose_by_is_refused(bundle, name, got):
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"metrics": said["metrics"] | {name: got}}))
    with pytest.raises(BrokenBundle, match=re.escape(f"metrics.{name}: want a number, got {json.dumps(got)}. Make")):
        best_bundle(paths.BUNDLES, CLASSES)
    assert best_bundle(paths.BUNDLES, ("circle", "square")) is None  # not one to choose among


def test_folder_that_is_no_bundle_says_how_to_make_one(tmp_path):
    with pytest.raises(MissingFile, match=r"model\.json is missing: make a bundle with `maskopt bundle N"):
        maskopt.load(tmp_path)


def test_unreadable_picture_is_an_error_of_ours(bundle, tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    with pytest.raises(UnreadablePicture):
        maskopt.load(bundle).classify(tmp_path / "no.png")


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (np.zeros((20, 10, 3), np.float32), "shape (20, 10, 3) of float32"),
        (np.zeros((20, 10), np.uint8), "shape (20, 10) of uint8"),
        (np.zeros((20, 10, 4), np.uint8), "shape (20, 10, 4) of uint8"),
        (np.zeros((1, 20, 10, 3), np.uint8), "shape (1, 20, 10, 3) of uint8"),
        (np.zeros((0, 10, 3), np.uint8), "shape (0, 10, 3) of uint8"),
        (b"", "bytes"),
    ],
)
def test_array_that_is_no_picture_is_refused(bundle, given, got):
    with pytest.raises(WrongArray) as err:
        maskopt.load(bundle).classify(given)
    assert str(err.value) == (
        f"want a picture as an array of shape (H, W, 3) of uint8, RGB from 0 to 255, got {got}. "
        "Convert it, or give a path or an image of Pillow, which may be grey or transparent"
    )


@pytest.fixture
def command(bundle, tmp_path):
    """A function that runs `maskopt classify` on a folder of two pictures and a file that is none."""
    folder = tmp_path / "door"
    (folder / "inner").mkdir(parents=True)
    picture().save(folder / "a.png")
    picture((12, 12)).save(folder / "inner" / "b.jpg")
    (folder / "notes.txt").write_text("no picture")

    def run(*options):
        return CliRunner().invoke(app, ["classify", str(folder), "--bundle", str(bundle), *options])

    return run


def test_classify_says_what_each_picture_shows(command):
    done = command()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [Path(line.split()[-1]).name for line in lines] == ["a.png", "b.jpg"]
    assert all(re.match(r"unsure +\d+\.\d% +\d+\.\d ms  /", line) for line in lines)


def test_classify_writes_json_and_csv(command):
    said = json.loads(command("--json").stdout)
    assert [set(each) for each in said] == [{"path", "answer", "label", "confidence", "ms", "scores"}] * 2
    rows = list(csv.DictReader(io.StringIO(command("--csv").stdout)))
    assert [row["path"] for row in rows] == [each["path"] for each in said]
    assert float(rows[0]["without_mask"]) == said[0]["scores"]["without_mask"] == said[0]["confidence"]
    assert command("--json", "--csv").exit_code == 2


def test_unreadable_pictures_are_named_at_the_end(command, tmp_path):
    (tmp_path / "door" / "no.png").write_text("no picture")
    done = command()
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith("1 of 3 cannot be read:\n")
    assert "door/no.png: it starts with b'no picture', which is neither JPEG, PNG nor WebP" in done.stderr


def test_unreadable_pictures_are_told_to_programs(command, tmp_path):
    (tmp_path / "door" / "größe.png").write_text("no picture")
    error = "it starts with b'no picture', which is neither JPEG, PNG nor WebP"
    done = command("--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)[1] == {"path": str(tmp_path / "door" / "größe.png"), "error": error}
    assert "größe.png" in done.stdout
    done = command("--csv")
    assert done.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["error"] for row in rows] == ["", error, ""]
    assert (rows[1]["path"], rows[1]["answer"]) == (str(tmp_path / "door" / "größe.png"), "")


def test_no_name_of_a_file_steers_a_terminal(command, tmp_path):
    good, bad = tmp_path / "door" / "a\x1b[31m\nb\x9b.png", tmp_path / "door" / "a\nno\x9b\udcff.png"
    picture().save(tmp_path / "door" / "a.png")
    (tmp_path / "door" / "a.png").rename(good)
    bad.write_text("no picture")
    done = command()
    assert [line.split("/")[-1] for line in done.stdout.splitlines()] == ["a\\x1b[31m\\nb\\x9b.png", "b.jpg"]
    assert len(done.stderr.splitlines()) == 2
    assert "door/a\\nno\\x9b\\udcff.png: it starts with" in done.stderr
    done = command("--json")
    assert done.stdout.replace("\n", "").isprintable()
    assert {str(good), str(bad)} < {each["path"] for each in json.loads(done.stdout)}
    assert os.fsencode(bad) in command("--csv").stdout_bytes  # as it is, for programs


def test_csv_of_unreadable_pictures_alone_has_their_names_and_all_columns(bundle, tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "no.png"), "--bundle", str(bundle), "--csv"])
    assert done.exit_code == 1
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert list(row) == ["path", "answer", "label", "confidence", "ms", "error", *CLASSES]
    assert (row["path"], row["confidence"]) == (str(tmp_path / "no.png"), "")


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


def claim(variant, val_accuracy, more_bytes=0):
    """Write metrics of a variant that are those of qat, but for two figures."""
    measured = json.loads(paths.metrics("separable", "qat", 0).read_text())
    int8 = measured["formats"]["int8"] | {"val_accuracy": val_accuracy}
    int8["gzip_bytes"] += more_bytes
    write_record(paths.metrics("separable", variant, 0), measured | {"formats": {"int8": int8}})


def copy_model(variant):
    """Make the file of a variant, the same as that of qat."""
    made = paths.tflite("separable", variant, 0, "int8")
    made.parent.mkdir()
    shutil.copy(paths.tflite("separable", "qat", 0, "int8"), made)


@pytest.mark.usefixtures("run")
def test_without_a_bundle_classify_makes_one_of_the_best_model(tmp_path, tiny_files):
    carry(tiny_files)
    copy_model("pqat")
    claim("pqat", 0.4)  # worse
    carry(tiny_files, "cqat", packages={"numpy": "2.0"})  # as good, but larger
    claim("pcqat", 0.9)  # its file is gone
    copy_model("clustered")
    claim("clustered", 0.9, more_bytes=1)  # figures of another file
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


def told_by_classify(tmp_path):
    """Return what classify says beside its answers, without --bundle."""
    picture().save(tmp_path / "a.png")
    done = CliRunner().invoke(app, ["classify", str(tmp_path / "a.png"), "--json"])
    assert json.loads(done.stdout)[0]["label"] == "without_mask"
    return done.stderr.splitlines()


def with_bundle(name):
    return f"with bundles/{name}, the best in bundles: {BEST_BY}; it learned from {DRAWINGS}"


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
    claim("qat", 0.5, more_bytes=1)
    assert no_bundle(tmp_path) == (
        "no bundle in bundles tells with_mask, without_mask, mask_weared_incorrect, and no measured model is there to "
        "make one of (data/metrics has figures of 4: 2 without a file in data/models, 1 of other classes, "
        "1 measured on another file than the one in data/models): "
        "run `maskopt run`, mend data.classes in params.yaml, or name a bundle with --bundle FOLDER"
    )


def test_path_without_pictures_is_an_error(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, found in (
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "empty", "is no picture and holds none"),
    ):
        done = CliRunner().invoke(app, ["classify", str(path), "--bundle", str(bundle)])
        assert isinstance(done.exception, NoPictures)
        assert str(done.exception) == f"{path} {found}: give JPEG, PNG or WebP files, or folders of them"


@pytest.mark.usefixtures("run")
def test_bundle_command_says_where_and_how_good(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["maskopt", "bundle", NAME, "--zip"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("bundles/separable-qat-int8: ")
    assert said[0].endswith(f"right about 50.00% of the test pictures, learned from {DRAWINGS}")
    assert said[1] == "bundles/separable-qat-int8.zip"


@pytest.mark.parametrize("size", [(20, 10), (7, 13), (30, 1)])
@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
def test_example_treats_pictures_as_classify_does(bundle, tmp_path, monkeypatch, aspect, size):
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"input": said["input"] | {"aspect": aspect}}))
    transparent = picture(size).convert("RGBA")
    transparent.putalpha(Image.fromarray(np.random.default_rng(2).integers(0, 256, size[::-1], np.uint8)))
    transparent.save(tmp_path / "a.png")
    monkeypatch.setattr(sys, "argv", ["example.py", str(tmp_path / "a.png")])
    left = runpy.run_path(str(bundle / "example.py"))
    np.testing.assert_array_equal(np.asarray(left["square"]), fit(as_seen(transparent), 8, aspect))
    scores = maskopt.load(bundle).classify(tmp_path / "a.png").scores
    assert dict(zip(said["classes"], left["scores"], strict=True)) == scores


def test_example_says_the_same_and_what_is_as_sure_as_the_threshold_is_sure(bundle, tmp_path):
    picture().save(tmp_path / "a.png")
    confidence = maskopt.load(bundle).classify(tmp_path / "a.png").confidence
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"unsure_below": confidence}))
    done = subprocess.run(
        [sys.executable, str(bundle / "example.py"), str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = maskopt.load(bundle).classify(tmp_path / "a.png")
    assert answer.is_sure
    assert done.stdout.split()[1:] == [answer.label, str(answer.confidence)]
    assert len((bundle / "example.py").read_text().splitlines()) <= 30
