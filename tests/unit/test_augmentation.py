import numpy as np
import pytest

from maskopt.augmentation import augment
from maskopt.keras import tf
from maskopt.params import Augmentation

SEED = np.array([3, 4])
NOTHING = Augmentation(flip=False, zoom=0, stretch=0, brightness=0, contrast=0)
EVERYTHING = Augmentation(flip=True, zoom=0.5, stretch=0.2, brightness=0.5, contrast=0.5)
PICTURES = np.random.default_rng(0).uniform(0, 255, (64, 6, 8, 3)).astype(np.float32)


def views(seed=SEED, **changes):
    return augment(tf.constant(PICTURES), NOTHING.model_copy(update=changes), seed).numpy()


def test_nothing_asked_for_leaves_pictures_as_they_are():
    np.testing.assert_allclose(views(), PICTURES, atol=1e-3)


@pytest.mark.parametrize("name", ["flip", "zoom", "stretch", "brightness", "contrast"])
def test_each_setting_alone_changes_pictures(name):
    assert np.abs(views(**{name: 0.5}) - PICTURES).max() > 1


def test_same_seed_gives_same_views():
    one, other = (augment(tf.constant(PICTURES), EVERYTHING, SEED).numpy() for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_other_seed_gives_other_views():
    one, other = (augment(tf.constant(PICTURES), EVERYTHING, np.array([3, step])) for step in (4, 5))
    assert np.abs(one - other).max() > 1


def test_pictures_of_a_batch_change_differently():
    same = tf.repeat(PICTURES[:1], 8, axis=0)
    seen = augment(same, EVERYTHING, SEED).numpy()
    assert len(np.unique(seen.reshape(8, -1), axis=0)) == 8


def test_views_have_the_shape_of_the_pictures():
    assert augment(tf.constant(PICTURES), EVERYTHING, SEED).shape == PICTURES.shape


def test_values_stay_between_black_and_white():
    seen = augment(tf.constant(PICTURES), EVERYTHING, SEED).numpy()
    assert (seen.min(), seen.max()) == (0, 255)


def test_flip_mirrors_left_and_right_about_one_time_in_two():
    seen = views(flip=True)
    mirrored = [np.allclose(view, picture[:, ::-1], atol=1e-3) for view, picture in zip(seen, PICTURES, strict=True)]
    kept = [np.allclose(view, picture, atol=1e-3) for view, picture in zip(seen, PICTURES, strict=True)]
    assert all(np.logical_xor(mirrored, kept))
    assert 20 <= sum(mirrored) <= 44  # of 64: three standard deviations


def test_brightness_adds_one_number_to_a_picture():
    pictures = np.full((64, 6, 8, 3), 128, np.float32)
    added = augment(tf.constant(pictures), NOTHING.model_copy(update={"brightness": 0.25}), SEED).numpy() - 128
    assert np.ptp(added, axis=(1, 2, 3)).max() < 1e-3
    assert 0.9 < np.abs(added).max() / (0.25 * 255) <= 1


def test_contrast_leaves_the_mean_of_a_picture():
    pictures = PICTURES / 4 + 96  # far from black and white, so that nothing is clipped
    seen = augment(tf.constant(pictures), NOTHING.model_copy(update={"contrast": 0.5}), SEED).numpy()
    np.testing.assert_allclose(seen.mean(axis=(1, 2, 3)), pictures.mean(axis=(1, 2, 3)), atol=1e-2)
    factors = seen.std(axis=(1, 2, 3)) / pictures.std(axis=(1, 2, 3))
    assert 0.5 <= factors.min() < 0.6
    assert 1.4 < factors.max() <= 1.5


def test_zoom_shows_a_part_of_the_picture():
    ramp = np.broadcast_to(np.linspace(0, 255, 8, dtype=np.float32)[:, None, None], (64, 8, 8, 3))
    seen = augment(tf.constant(ramp), NOTHING.model_copy(update={"zoom": 0.5}), SEED).numpy()
    parts = np.ptp(seen, axis=(1, 2, 3)) / 255  # of the height that is seen
    assert 0.5 <= parts.min() < 0.55
    assert 0.95 < parts.max() <= 1
