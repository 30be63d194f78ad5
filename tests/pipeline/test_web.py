"""The page of a bundle in headless Chromium: a drawn picture gets the answer that Python gives."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskopt
from maskopt.backbones import SYMMETRIC
from maskopt.bundle.description import FILE, MODEL
from maskopt.bundling import TEMPLATE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_MS = 60_000
SIZE_PX = 32
CLASSES = ("with_mask", "without_mask", "mask_weared_incorrect")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle around an int8 file with random weights, with what npm brings."""
    for tool in ("npm", "chromium"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt-get install -y {tool}")
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    (folder / MODEL).write_bytes(_random_model())
    subprocess.run(["npm", "install", "--silent"], cwd=folder / "web", check=True)
    return folder


def _random_model():
    from maskopt.backbones import build_classifier
    from maskopt.convert import convert
    from maskopt.keras import keras
    from maskopt.params import Trunk
    from maskopt.slimming import slim

    keras.utils.set_random_seed(0)
    model = build_classifier(Trunk(architecture="separable", width=0.5, depth=1, until=None), SIZE_PX, len(CLASSES))
    pictures = np.random.default_rng(0).integers(0, 256, (8, SIZE_PX, SIZE_PX, 3), np.uint8)
    return slim(convert(model, SYMMETRIC, "int8", pictures), {}, b"{}")


def describe(folder, aspect):
    """Write a description of the model, with pictures brought to its size in one of three ways."""
    import hashlib

    given = {"height_px": SIZE_PX, "width_px": SIZE_PX, "dtype": "uint8", "aspect": aspect}
    content = (folder / MODEL).read_bytes()
    said = {
        "network": "separable",
        "variant": "finetuned",
        "format": "int8",
        "seed": 0,
        "classes": CLASSES,
        "input": given | {"background": [255, 255, 255], "max_pixels": 10**6},
        "output": {"dtype": "uint8", "scale": 1 / 256, "zero_point": 0},
        "unsure_below": 0,
        "right_when_sure": 0.99,
        "sha256": hashlib.sha256(content).hexdigest(),
        "raw_bytes": len(content),
        "gzip_bytes": 1,
        "operators": [],
        "arena_bytes": None,
        "metrics": {},
        "commit": None,
        "origin": None,
    }
    (folder / FILE).write_text(json.dumps(said))


@pytest.fixture(scope="module")
def address(bundle):
    """Where the folder is served on this machine."""
    handler = functools.partial(_Quiet, directory=bundle)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/web/"
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def drawn(path, size):
    """A picture of soft colours, which shrinking changes in every pixel."""
    rng = np.random.default_rng(0)
    soft = Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    soft.save(path)
    return path


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
def test_page_gives_the_answer_of_python(bundle, address, browser, tmp_path, aspect):
    describe(bundle, aspect)
    asked, errors = [], []
    page = browser.new_page(viewport={"width": 420, "height": 800})
    page.set_default_timeout(PATIENCE_MS)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_function("document.getElementById('answer').textContent.startsWith('Choose')")
    file = drawn(tmp_path / "drawn.png", (150, 90))
    page.set_input_files("#file", str(file))
    page.wait_for_function("document.getElementById('answer').dataset.scores")
    assert not errors
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    scores = json.loads(page.evaluate("document.getElementById('answer').dataset.scores"))
    answer = maskopt.load(Path(bundle)).classify(file)
    np.testing.assert_allclose(scores, list(answer.scores.values()), atol=2.5 / 256)
    assert page.inner_text("#answer").startswith(answer.label)
    assert all(url.startswith(("http://127.0.0.1", "data:", "blob:")) for url in asked), asked
    page.close()
