"""What a bundle holds, and its zip."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
from bundles import CLASSES, NAME

from maskopt import paths
from maskopt.bundle.description import FILE, MODEL
from maskopt.bundle.micro import METHODS
from maskopt.bundling import TEMPLATE, make_bundle, zip_bundle
from maskopt.errors import Occupied
from maskopt.measuring.litert import Classifier


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


def test_test_vectors_are_what_the_model_answers(bundle):
    vectors = np.load(bundle / "test_vectors.npz")
    np.testing.assert_array_equal(Classifier(bundle / MODEL).scores(vectors["pictures"]), vectors["scores"])
    assert json.loads((bundle / FILE).read_text())["vectors_tolerance"] == 4 / 256
    assert "Scores of the test vectors may differ by 0.015625 elsewhere" in (bundle / "README.md").read_text()


def test_same_bundle_has_the_same_bytes(bundle, params):
    def content():
        return {file.relative_to(bundle): file.read_bytes() for file in bundle.rglob("*") if file.is_file()}

    before = content()
    make_bundle(params, NAME, "int8", 0, bundle)
    assert content() == before


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum")
def test_sums_are_those_that_sha256sum_reads(bundle):
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=bundle, check=False).returncode == 0
    named = {line.split("  ")[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    assert named == {file.relative_to(bundle).as_posix() for file in bundle.rglob("*") if file.is_file()} - {
        "SHA256SUMS"
    }


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


@pytest.mark.parametrize("is_folder", [False, True])
def test_zip_replaces_nothing_but_the_zip_of_a_bundle(bundle, is_folder):
    other = bundle.with_name("tiny.zip")
    if is_folder:
        other.mkdir()
        (other / "mine").touch()
    else:
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("faces/0.png", "mine")
    with pytest.raises(Occupied, match=r"^bundles/tiny\.zip is no zip of a bundle, which a bundle would replace: "):
        zip_bundle(bundle)
    assert (other / "mine").is_file() if is_folder else zipfile.ZipFile(other).namelist() == ["faces/0.png"]


def test_same_bundle_gives_the_same_zip(bundle):
    before = zip_bundle(bundle).read_bytes()
    for file in (bundle / MODEL, bundle / "web" / "app.js"):
        os.utime(file, (10**9, 10**9))
        file.chmod(0o600)
    assert zip_bundle(bundle).read_bytes() == before


def test_name_of_a_zip_keeps_its_dots(bundle):
    folder = bundle.rename(bundle.with_name("door-1.0"))
    assert zip_bundle(folder) == paths.BUNDLES / "door-1.0.zip"
