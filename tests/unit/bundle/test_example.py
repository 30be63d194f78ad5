"""The example of a bundle, in Python without maskopt."""

import json
import runpy
import subprocess
import sys

import numpy as np
import pytest
from bundles import picture
from PIL import Image

import maskopt
from maskopt.bundle.description import FILE
from maskopt.data.picture import as_seen, fit


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


def run_example(bundle, *pictures):
    command = [sys.executable, str(bundle / "example.py"), *map(str, pictures)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_example_says_the_same_and_what_is_as_sure_as_the_threshold_is_sure(bundle, tmp_path):
    picture().save(tmp_path / "a.png")
    confidence = maskopt.load(bundle).classify(tmp_path / "a.png").confidence
    said = json.loads((bundle / FILE).read_text())
    (bundle / FILE).write_text(json.dumps(said | {"unsure_below": confidence}))
    done = run_example(bundle, tmp_path / "a.png")
    answer = maskopt.load(bundle).classify(tmp_path / "a.png")
    assert answer.is_sure
    assert done.stdout.split()[1:] == [answer.label, str(answer.confidence)]
    assert len((bundle / "example.py").read_text().splitlines()) <= 30


def test_example_says_whose_the_figure_of_an_unsure_answer_is(bundle, tmp_path):
    picture().save(tmp_path / "a.png")
    answer = maskopt.load(bundle).classify(tmp_path / "a.png")
    assert not answer.is_sure
    said = run_example(bundle, tmp_path / "a.png").stdout
    assert said.split()[1:] == ["unsure:", answer.label, str(answer.confidence)]


def test_example_without_a_picture_says_how_it_is_used(bundle):
    done = run_example(bundle)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Classify with the model beside this file: python example.py PICTURE..." in done.stderr
