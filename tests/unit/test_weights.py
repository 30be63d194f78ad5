from urllib.error import URLError

import h5py
import numpy as np
import pytest

from maskopt.backbones import build_trunk
from maskopt.errors import DownloadFailed, MissingFile, TooSmall, WrongWeights
from maskopt.weights import fingerprint, load_weights

SIZE_PX = 32
NEXT_STEP = "Set networks.separable.weights in params.yaml to a matching file or to 'none'"


@pytest.fixture(scope="module")
def trunk():
    return build_trunk("separable", SIZE_PX)


@pytest.fixture
def saved(trunk, tmp_path):
    path = tmp_path / "trunk.h5"
    trunk.save_weights(path)
    return path


@pytest.fixture
def download(monkeypatch, tmp_path):
    """Let Keras download with the given function, into an empty cache."""

    def through(urlretrieve):
        (tmp_path / ".keras").mkdir()  # else Keras takes /tmp/.keras, where weights of earlier runs lie
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setattr("tf_keras.src.utils.data_utils.urlretrieve", urlretrieve)

    return through


def test_file_gives_the_weights_it_holds(trunk, saved):
    loaded = load_weights("separable", str(saved), SIZE_PX)
    for weight, expected in zip(loaded.get_weights(), trunk.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_file_fits_pictures_of_another_size(trunk, saved):
    assert fingerprint(load_weights("separable", str(saved), 64)) == fingerprint(trunk)


def test_fingerprint_tells_other_weights_apart(trunk):
    before = fingerprint(trunk)
    other = build_trunk("separable", SIZE_PX)
    other.set_weights(trunk.get_weights())
    assert fingerprint(other) == before
    kernel = other.layers[1].get_weights()[0]
    kernel[0, 0, 0, 0] += 1
    other.layers[1].set_weights([kernel])
    assert fingerprint(other) != before


def test_missing_file_says_where_to_put_it(tmp_path):
    path = tmp_path / "none.h5"
    with pytest.raises(MissingFile) as caught:
        load_weights("separable", str(path), SIZE_PX)
    assert str(caught.value) == (
        f"{path} is missing: put it there, or set networks.separable.weights in params.yaml to another"
    )


def test_file_that_is_not_hdf5_is_refused(tmp_path):
    path = tmp_path / "trunk.h5"
    path.write_bytes(b"\x80\x04\x95 a pickle, which could run code")
    with pytest.raises(WrongWeights) as caught:
        load_weights("separable", str(path), SIZE_PX)
    assert str(caught.value) == f"{path} does not hold weights of separable: it is not an HDF5 file. {NEXT_STEP}"


def test_weights_of_another_network_are_refused(saved):
    with pytest.raises(WrongWeights) as caught:
        load_weights("bottleneck", str(saved), SIZE_PX)
    assert str(caught.value) == (
        f"{saved} does not hold weights of bottleneck: Layer count mismatch when loading weights from file. "
        "Model expected 46 layers, found 22 saved layers. "
        "Set networks.bottleneck.weights in params.yaml to a matching file or to 'none'"
    )


def test_weights_of_another_width_are_refused(tmp_path):
    path = tmp_path / "wide.h5"
    build_trunk("mobilenet_v2", SIZE_PX).save_weights(path)
    with pytest.raises(
        WrongWeights, match=r"wide.h5 does not hold weights of mobilenet_v2_035: .* \(3, 3, 3, 16\).* \(32, 3, 3, 3\)"
    ):
        load_weights("mobilenet_v2_035", str(path), SIZE_PX)


def test_cut_off_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:100_000])
    with pytest.raises(
        WrongWeights, match=r"trunk.h5 does not hold weights of separable: .*truncated file.*\. Set net"
    ):
        load_weights("separable", str(saved), SIZE_PX)


def test_hdf5_file_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["pixels"] = np.zeros(3)
    with pytest.raises(WrongWeights, match=r"expected 22 layers, found 0 saved layers\. Set networks"):
        load_weights("separable", str(tmp_path / "data.h5"), SIZE_PX)


def test_hand_made_network_has_no_imagenet_weights():
    with pytest.raises(WrongWeights) as caught:
        load_weights("separable", "imagenet", SIZE_PX)
    assert str(caught.value) == (
        "imagenet does not hold weights of separable: "
        f"this network is hand-made, there are no ImageNet weights of it. {NEXT_STEP}"
    )


def test_failed_download_says_what_to_do(download):
    def offline(*_):
        raise URLError("no route to host")

    download(offline)
    with pytest.raises(DownloadFailed) as caught:
        load_weights("mobilenet_v2_035", "imagenet", SIZE_PX)
    url = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    assert str(caught.value) == (
        "the ImageNet weights of mobilenet_v2_035 could not be downloaded: "
        f"URL fetch failure on {url}: None -- no route to host. Try again with a connection, or put an .h5 file of the "
        "trunk into data/incoming and set networks.mobilenet_v2_035.weights to its path, or to 'none'"
    )


def test_downloaded_weights_are_loaded(download):
    served = build_trunk("mobilenet_v2_035", SIZE_PX)
    download(lambda _url, path, *_: served.save_weights(path, save_format="h5"))
    assert fingerprint(load_weights("mobilenet_v2_035", "imagenet", SIZE_PX)) == fingerprint(served)


def test_pictures_too_small_are_not_taken_for_a_failed_download(download):
    download(lambda *_: pytest.fail("nothing should be downloaded"))
    with pytest.raises(TooSmall) as caught:
        load_weights("inception_v3", "imagenet", 64)
    assert str(caught.value) == (
        "inception_v3 takes pictures of 75 px and more, got 64. "
        "Set networks.inception_v3.size_px and pixels.sizes_px in params.yaml to more"
    )
