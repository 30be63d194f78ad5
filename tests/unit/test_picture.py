import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from drawn import huge_png, photograph
from PIL import Image, ImageOps

from maskopt.data.picture import fit, open_picture
from maskopt.errors import UnreadablePicture

MAX_PIXELS = 50_000_000
RED, WHITE = (255, 0, 0), (255, 255, 255)


def opened(path):
    return open_picture(path, MAX_PIXELS)


def refusal(path):
    with pytest.raises(UnreadablePicture) as caught:
        opened(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, WHITE),
        ("L", 200, (200, 200, 200)),
        ("LA", (200, 0), WHITE),
        ("RGB", RED, RED),
        ("RGBA", (*RED, 255), RED),
        ("RGBA", (*RED, 0), WHITE),
        ("RGBA", (0, 0, 0, 102), (153, 153, 153)),  # 40% black over white
    ],
)
def test_png_of_any_mode_becomes_rgb(mode, colour, expected, tmp_path):
    Image.new(mode, (4, 3), colour).save(tmp_path / "a.png")
    picture = opened(tmp_path / "a.png")
    assert (picture.mode, picture.image.mode) == (mode, "RGB")
    assert picture.image.getpixel((1, 1)) == expected


def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path):
    Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16)).save(tmp_path / "a.png")
    picture = opened(tmp_path / "a.png")
    assert picture.mode == "I;16"
    assert np.asarray(picture.image)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_transparent_16_bit_grey_shows_the_background(tmp_path):
    Image.fromarray(np.array([[257, 514]], np.uint16)).save(tmp_path / "a.png", transparency=257)
    assert np.asarray(opened(tmp_path / "a.png").image)[0, :, 0].tolist() == [255, 2]


def test_palette_gives_its_colours(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, *RED])
    image.save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png").mode == "P"
    assert opened(tmp_path / "a.png").image.getpixel((0, 0)) == RED


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
def test_transparent_palette_shows_the_background(transparency, tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, *RED])
    image.save(tmp_path / "a.png", transparency=transparency)
    assert opened(tmp_path / "a.png").image.getpixel((0, 0)) == WHITE


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    picture = opened(tmp_path / "a.jpg")
    assert picture.mode == "CMYK"
    np.testing.assert_allclose(picture.image.getpixel((8, 8)), RED, atol=3)


def test_exif_rotation_is_done(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image = Image.new("RGB", (20, 10))
    image.paste(RED, (0, 0, 10, 10))  # on the left, so at the top when upright
    image.save(tmp_path / "a.png", exif=exif)
    picture = opened(tmp_path / "a.png").image
    assert picture.size == (10, 20)
    assert (picture.getpixel((5, 2)), picture.getpixel((5, 18))) == (RED, (0, 0, 0))


def test_damaged_metadata_spoil_nothing(tmp_path):
    photograph(0).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09\1\x12")  # 9 entries, and half of one
    assert opened(tmp_path / "a.jpg").image.size == (160, 160)


def test_format_is_told_by_content_and_name_may_be_any(tmp_path):
    photograph(0).save(tmp_path / "größe 漢字.png", "WEBP", lossless=True)
    np.testing.assert_array_equal(opened(tmp_path / "größe 漢字.png").image, photograph(0))


def test_one_pixel_is_a_picture(tmp_path):
    Image.new("RGB", (1, 1), RED).save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png").image.size == (1, 1)


def test_picture_is_upright_where_the_rest_of_its_exif_is_damaged():
    file = Path(__file__).parents[1] / "fuzz" / "corpus" / "picture" / "exif.jpg"  # which Pillow cannot write again
    with Image.open(file) as image:
        lying = image.size
    assert open_picture(file, 10**6).image.size in (lying, lying[::-1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright_as_pillow_makes_them(orientation, tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
    exif = Image.Exif()
    exif[0x112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as turned:
        expected = np.asarray(ImageOps.exif_transpose(turned))
    assert np.array_equal(np.asarray(open_picture(tmp_path / "a.png", 100).image), expected)


def test_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert "it is no file" in refusal(tmp_path / "a.png")


def test_truncated_png_is_damaged(tmp_path):
    photograph(0).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    assert refusal(tmp_path / "a.png") == (
        f"{tmp_path}/a.png is not a picture that can be read: damaged (image file is truncated). "
        "Give a whole JPEG, PNG or WebP file of at most manifest.max_pixels of params.yaml"
    )


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_truncated_files_of_all_kinds_are_refused(suffix, share, tmp_path):
    path = tmp_path / f"a{suffix}"
    photograph(0).save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert "is not a picture that can be read" in refusal(path)


def test_other_kinds_of_pictures_are_refused_whatever_they_are_called(tmp_path):
    path = tmp_path / "a.png"
    photograph(0).save(path, "BMP")
    assert "which is neither JPEG, PNG nor WebP" in refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"hello", "it starts with b'hello', which is neither JPEG, PNG nor WebP"),
        (b"GIF89a" + bytes(50), "it starts with b'GIF89a"),
        (b"BM" + bytes(100), "it starts with b'BM"),
    ],
)
def test_other_files_called_png_are_refused(content, reason, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    assert reason in refusal(tmp_path / "a.png")


def test_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    (tmp_path / "a.png").write_bytes(huge_png(20_000, 20_000))
    assert "20,000 x 20,000 pixels are 400,000,000, more than 50,000,000" in refusal(tmp_path / "a.png")


def test_file_of_too_many_bytes_is_not_read(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**30)  # a hole: takes no room on the disk
    assert "1,073,741,824 bytes are too many for 50,000,000 pixels" in refusal(tmp_path / "a.png")


def test_missing_file_is_named(tmp_path):
    assert f"{tmp_path}/a.png is not a picture that can be read: No such file" in refusal(tmp_path / "a.png")


def test_error_comes_back_from_another_process(tmp_path):
    err = UnreadablePicture(tmp_path, "why")
    assert str(pickle.loads(pickle.dumps(err))) == str(err)


def test_stretch_keeps_everything():
    image = Image.new("RGB", (40, 20))
    image.paste(RED, (20, 0, 40, 20))
    array = fit(image, 8, "stretch")
    assert (array.shape, array.dtype) == ((8, 8, 3), np.uint8)
    assert (array[:, :3] == 0).all()
    assert (array[:, 5:] == RED).all()


def test_crop_keeps_the_middle():
    image = Image.new("RGB", (40, 20))
    image.paste(RED, (10, 0, 30, 20))
    assert (fit(image, 8, "crop")[:, 1:-1] == RED).all()  # the filter reaches over the edge of the crop


def test_pad_adds_white_on_both_sides():
    array = fit(Image.new("RGB", (40, 20), RED), 8, "pad")
    assert (array[2:6] == RED).all()
    assert (array[[0, 1, 6, 7]] == 255).all()


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (1000, 1), (1, 1000)])
def test_odd_shapes_fit(aspect, size):
    assert fit(Image.new("RGB", size, RED), 16, aspect).shape == (16, 16, 3)
