import numpy as np
import pytest

from maskopt.networks.keras import tf
from maskopt.params import Augmentation
from maskopt.training.augmentation import _erased, augment

SEED = np.array([3, 4])
AMOUNTS = {
    "zoom": 0.5,
    "stretch": 0.2,
    "brightness": 0.5,
    "contrast": 0.5,
    "rotation_degrees": 30,
    "tint": 0.2,
    "saturation": 0.5,
    "blur": 0.5,
    "erase": 0.5,
}
NOTHING = Augmentation(flip=False, **dict.fromkeys(AMOUNTS, 0))
EVERYTHING = Augmentation(flip=True, **AMOUNTS)
PICTURES = np.random.default_rng(0).uniform(0, 255, (64, 6, 8, 3)).astype(np.float32)


def views(seed=SEED, **changes):
    return augment(tf.constant(PICTURES), NOTHING.model_copy(update=changes), seed).numpy()


def test_nothing_asked_for_leaves_pictures_as_they_are():
    np.testing.assert_allclose(views(), PICTURES, atol=1e-3)


@pytest.mark.parametrize(("name", "amount"), [("flip", True), *AMOUNTS.items()])
def test_each_setting_alone_changes_pictures(name, amount):
    assert np.abs(views(**{name: amount}) - PICTURES).max() > 1


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


def test_rotation_turns_about_the_middle_up_to_the_angle():
    x, y = np.meshgrid(np.arange(33) - 16, np.arange(33) - 16)
    inside = x**2 + y**2 < 12**2
    bar = np.where((np.abs(y) <= 1) & inside, 255.0, 0.0).astype(np.float32)  # lies along x
    pictures = np.repeat(bar[None, :, :, None], 64, axis=0).repeat(3, axis=3)
    seen = augment(tf.constant(pictures), NOTHING.model_copy(update={"rotation_degrees": 30}), SEED).numpy()[..., 0]
    mass = seen.sum(axis=(1, 2))
    np.testing.assert_allclose((seen * x).sum(axis=(1, 2)) / mass, 0, atol=0.5)
    np.testing.assert_allclose((seen * y).sum(axis=(1, 2)) / mass, 0, atol=0.5)
    xx, yy, xy = ((seen * product).sum(axis=(1, 2)) for product in (x * x, y * y, x * y))
    angles = np.degrees(np.arctan2(2 * xy, xx - yy) / 2)  # of the long axis
    assert 25 < np.abs(angles).max() < 31
    assert angles.min() < -5
    assert angles.max() > 5


def test_tint_multiplies_each_colour_by_one_number():
    pictures = np.full((64, 6, 8, 3), 100, np.float32)
    factors = augment(tf.constant(pictures), NOTHING.model_copy(update={"tint": 0.2}), SEED).numpy() / 100
    assert np.ptp(factors, axis=(1, 2)).max() < 1e-5
    assert np.ptp(factors, axis=3).max() > 0.1
    assert 0.8 <= factors.min() < 0.82
    assert 1.18 < factors.max() <= 1.2


def test_saturation_leaves_grey_pictures_as_they_are():
    grey = PICTURES.mean(axis=3, keepdims=True).repeat(3, axis=3)
    seen = augment(tf.constant(grey), NOTHING.model_copy(update={"saturation": 0.9}), SEED).numpy()
    np.testing.assert_allclose(seen, grey, atol=1e-2)


def test_blur_halves_the_resolution_of_a_part_of_the_pictures():
    seen = views(blur=0.5)
    blurred = np.abs(seen - PICTURES).max(axis=(1, 2, 3)) > 1
    assert 20 <= blurred.sum() <= 44  # of 64: three standard deviations
    assert seen[blurred].std() < 0.7 * PICTURES.std()


def test_erase_hides_one_rectangle_with_one_colour():
    pictures = np.full((64, 32, 32, 3), -1, np.float32)  # no colour is below 0; light is left alone
    seen = _erased(tf.constant(pictures), 0.5, SEED).numpy()
    hidden = (seen >= 0).all(axis=3)
    assert hidden.any(axis=(1, 2)).sum() > 40
    for view, mask in zip(seen, hidden, strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == len(rows) * len(columns)
        assert max(len(rows), len(columns)) <= 16
        assert len(np.unique(view[mask], axis=0)) <= 1
