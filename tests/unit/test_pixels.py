import numpy as np
import pandas as pd
import pytest
from drawn import write_classes
from PIL import Image

from maskopt.data.picture import fit
from maskopt.data.pixels import write_pixels
from maskopt.errors import UnreadablePicture

MAX_PIXELS = 10**6


@pytest.fixture
def raw(tmp_path):
    write_classes(tmp_path / "raw", ["cat", "dog"], rows=2)
    return tmp_path / "raw"


@pytest.fixture
def manifest():
    paths = ["dog/1.png", "cat/0.png", "cat/1.png"]  # any order
    return pd.DataFrame({"path": paths})


def test_rows_are_the_pictures_in_the_order_of_the_manifest(raw, manifest, tmp_path):
    targets = {16: tmp_path / "pixels" / "16.npy", 24: tmp_path / "pixels" / "24.npy"}
    write_pixels(manifest, raw, MAX_PIXELS, "stretch", targets)
    for side, path in targets.items():
        pixels = np.load(path)
        assert (pixels.shape, pixels.dtype) == ((3, side, side, 3), np.uint8)
        for array, name in zip(pixels, manifest["path"], strict=True):
            np.testing.assert_array_equal(array, fit(Image.open(raw / name), side, "stretch"))


def test_damaged_picture_leaves_no_file_of_any_size(raw, manifest, tmp_path):
    (raw / "cat" / "1.png").write_bytes(b"\x89PNG")
    targets = {16: tmp_path / "pixels" / "16.npy", 24: tmp_path / "pixels" / "24.npy"}
    with pytest.raises(UnreadablePicture, match=r"cat/1\.png is not a picture that can be read: damaged"):
        write_pixels(manifest, raw, MAX_PIXELS, "stretch", targets)
    assert list((tmp_path / "pixels").iterdir()) == []


def test_long_metadata_that_the_manifest_let_pass_is_let_pass_here(raw, manifest, tmp_path):
    with (raw / "cat" / "1.png").open("ab") as file:
        file.write(bytes(2**24))
    write_pixels(manifest, raw, MAX_PIXELS, "stretch", {16: tmp_path / "16.npy"})
    assert np.load(tmp_path / "16.npy").shape == (3, 16, 16, 3)
