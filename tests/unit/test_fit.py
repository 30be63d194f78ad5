"""The page of a bundle brings pictures to the model's size as Python does."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from maskopt.bundling import TEMPLATE
from maskopt.data.picture import BACKGROUND, fit

SIZE_PX = 32
CODE = """
import {readFileSync} from 'node:fs';
const {fit} = await import(process.argv[1]);
const {image, input} = JSON.parse(readFileSync(0));
console.log(JSON.stringify(Array.from(fit(image, input))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node: apt-get install -y nodejs")
@pytest.mark.parametrize("size", [(150, 90), (40, 70), (7, 13), (30, 1), (64, 33), (32, 32)])  # 33 px: half a pixel
@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
def test_page_fits_pictures_as_python_does(aspect, size):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))
    data = np.asarray(picture.convert("RGBA")).ravel().tolist()
    wanted = {"height_px": SIZE_PX, "width_px": SIZE_PX, "aspect": aspect, "background": BACKGROUND}
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", CODE, (TEMPLATE / "web" / "fit.js").as_uri()],
        input=json.dumps({"image": {"width": size[0], "height": size[1], "data": data}, "input": wanted}),
        capture_output=True,
        text=True,
        check=True,
    )
    pixels = np.array(json.loads(done.stdout)).reshape(SIZE_PX, SIZE_PX, 3)
    # Pillow computes with fewer digits, and which side comes first depends on its version.
    np.testing.assert_allclose(pixels, fit(picture, SIZE_PX, aspect).astype(int), atol=1)
