import numpy as np
import pytest
from drawn import photograph
from PIL import Image

from maskopt.data.crops import find_crops
from maskopt.data.key_points import KEY_POINT, MAX_POINTS, NO_LEVEL, find_key_points

MIN_PLACES = 5


def stack(images):
    return np.stack([find_key_points(image) for image in images])


def crops(images):
    return find_crops(stack(images), MIN_PLACES).tolist()


def crop(image, left, top, side, size=128):
    return image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def test_busy_picture_has_many_points():
    points = find_key_points(photograph(0))
    assert points.shape == (MAX_POINTS,)
    assert (points["level"] != NO_LEVEL).sum() > 40
    assert points["x"].max() < 128


@pytest.mark.parametrize("image", [Image.new("RGB", (64, 64)), Image.new("RGB", (1, 1)), Image.new("RGB", (2000, 3))])
def test_blank_and_narrow_pictures_have_none(image):
    assert (find_key_points(image)["level"] == NO_LEVEL).all()


def test_size_of_the_file_does_not_matter():
    large = photograph(0, 512, 512)
    assert crops([large, large.resize((128, 128)), photograph(1)]) == [[0, 1]]


def test_crops_of_one_photograph_are_found_and_strangers_are_not():
    photographs = [photograph(seed) for seed in range(12)]
    first = [crop(image, 0, 0, 130) for image in photographs]
    second = [crop(image, 25, 20, 110) for image in photographs]
    assert sorted(crops(first + second)) == [[i, i + 12] for i in range(12)]


def test_crops_are_found_when_half_is_covered_and_the_light_is_another():
    covered = photograph(0).point(lambda value: value * 0.7 + 20)
    covered.paste((120, 170, 220), (0, 90, 160, 160))
    assert crops([photograph(0), crop(covered, 10, 0, 140), photograph(1)]) == [[0, 1]]


def test_what_many_pictures_share_does_not_join_them():
    mask = photograph(99).crop((40, 40, 120, 110))
    images = [photograph(seed) for seed in range(60)]
    for image in images:
        image.paste(mask, (40, 80))
    assert crops(images) == []


def test_crops_of_many_pictures_are_found_part_by_part(monkeypatch):
    images = [crop(photograph(seed // 3), 5 * (seed % 3), 0, 140) for seed in range(30)]
    at_once = crops(images)
    assert len(at_once) == 30  # three pairs of each photograph
    monkeypatch.setattr("maskopt.data.crops.PART", 64)
    monkeypatch.setattr("maskopt.data.crops.FILE", 7)
    assert crops(images) == at_once


def test_no_pictures_and_no_points_give_no_crops():
    assert find_crops(np.zeros((0, MAX_POINTS), KEY_POINT), MIN_PLACES).shape == (0, 2)
    assert crops([Image.new("RGB", (64, 64))] * 3) == []


def test_result_does_not_depend_on_chance():
    images = [crop(photograph(seed // 3), 5 * (seed % 3), 0, 140) for seed in range(30)]
    assert crops(images) == crops(images)
