import faulthandler
import struct
from pathlib import Path
from urllib.error import URLError

import h5py
import numpy as np
import pytest

from maskopt import weights
from maskopt.errors import DownloadFailed, MissingFile, TooSmall, WrongWeights
from maskopt.networks.backbones import build_trunk
from maskopt.params import Trunk
from maskopt.weights import fingerprint, load_weights

SIZE_PX = 32
SEPARABLE, BOTTLENECK, MOBILENET, INCEPTION = (
    Trunk(architecture=name, width=1, depth=1, until=None)
    for name in ("separable", "bottleneck", "mobilenet_v2", "inception_v3")
)
NARROW = MOBILENET.model_copy(update={"width": 0.35})
NEXT_STEP = "Set weights of the network in params.yaml to a matching file or to 'none'"


@pytest.fixture(scope="module")
def trunk():
    return build_trunk(SEPARABLE, SIZE_PX)


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
    loaded = load_weights(SEPARABLE, str(saved), SIZE_PX)
    for weight, expected in zip(loaded.get_weights(), trunk.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_file_fits_pictures_of_another_size(trunk, saved):
    assert fingerprint(load_weights(SEPARABLE, str(saved), 64)) == fingerprint(trunk)


def test_fingerprint_tells_other_weights_apart(trunk):
    before = fingerprint(trunk)
    other = build_trunk(SEPARABLE, SIZE_PX)
    other.set_weights(trunk.get_weights())
    assert fingerprint(other) == before
    kernel = other.layers[1].get_weights()[0]
    kernel[0, 0, 0, 0] += 1
    other.layers[1].set_weights([kernel])
    assert fingerprint(other) != before


def test_missing_file_says_where_to_put_it(tmp_path):
    path = tmp_path / "none.h5"
    with pytest.raises(MissingFile) as caught:
        load_weights(SEPARABLE, str(path), SIZE_PX)
    assert str(caught.value) == (
        f"{path} is missing: put it there, or set weights of the network in params.yaml to another"
    )


def test_file_that_is_not_hdf5_is_refused(tmp_path):
    path = tmp_path / "trunk.h5"
    path.write_bytes(b"\x80\x04\x95 a pickle, which could run code")
    with pytest.raises(WrongWeights) as caught:
        load_weights(SEPARABLE, str(path), SIZE_PX)
    assert str(caught.value) == f"{path} does not hold weights of separable: it is not an HDF5 file. {NEXT_STEP}"


def test_weights_of_another_network_are_refused(saved):
    with pytest.raises(WrongWeights) as caught:
        load_weights(BOTTLENECK, str(saved), SIZE_PX)
    assert str(caught.value) == (
        f"{saved} does not hold weights of bottleneck: Layer count mismatch when loading weights from file. "
        "Model expected 46 layers, found 22 saved layers. "
        f"{NEXT_STEP}"
    )


def test_weights_of_another_width_are_refused(tmp_path):
    path = tmp_path / "wide.h5"
    build_trunk(MOBILENET, SIZE_PX).save_weights(path)
    with pytest.raises(
        WrongWeights,
        match=r"wide.h5 does not hold weights of mobilenet_v2, width 0.35: .* \(3, 3, 3, 16\)",
    ):
        load_weights(NARROW, str(path), SIZE_PX)


def test_cut_off_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:100_000])
    with pytest.raises(
        WrongWeights, match=r"trunk.h5 does not hold weights of separable: .*truncated file.*\. Set wei"
    ):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


def test_hdf5_file_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["pixels"] = np.zeros(3)
    with pytest.raises(WrongWeights, match=r"expected 22 layers, found 0 saved layers\. Set weights"):
        load_weights(SEPARABLE, str(tmp_path / "data.h5"), SIZE_PX)


def test_model_with_a_lambda_layer_is_refused(saved):
    with h5py.File(saved, "a") as file:
        file.attrs["model_config"] = '{"class_name": "Lambda", "config": {"function": ["4wEAAA==", null, null]}}'
    with pytest.raises(WrongWeights, match=r"it is a model with a Lambda layer, which is code\. Set weights"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


def timed(file, _):
    space = h5py.h5s.create_simple((1,))
    h5py.h5d.create(file.id, b"when", h5py.h5t.UNIX_D32LE, space)


def again(file, _):
    file.create_dataset("stem/large", (2**20, 256), "u1", chunks=(2**20, 1))
    file["stem"].attrs["weight_names"] = ["large"] * 9


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda file, _: file.create_dataset("pickle", data=np.void(b"\x80\x04K\x01.")),
            r"'pickle' holds \|V5, want numbers",
        ),
        (
            lambda file, _: file.create_dataset("names", data=["a"], dtype=h5py.string_dtype()),
            "'names' holds object, want numbers",
        ),
        (
            lambda file, _: file.create_dataset("nothing", data=h5py.Empty("f4")),
            "'nothing' is empty, want numbers",
        ),
        (
            lambda file, _: file.update({"soft": h5py.SoftLink("/stem")}),
            "'soft' is a SoftLink, which leads elsewhere",
        ),
        (
            lambda file, _: file.update({"other": h5py.ExternalLink("/tmp/other.h5", "/")}),
            "'other' is a ExternalLink, which leads elsewhere",
        ),
        (
            lambda file, path: file.create_dataset("raw", (8,), "u1", external=[(str(path), 0, 8)]),
            "'raw' is filled from another file",
        ),
        (
            lambda file, _: file.create_dataset("small", data=np.zeros(8), chunks=(8,), compression="gzip"),
            "'small' is compressed or filtered, which Keras' own files are not",
        ),
        (
            lambda file, _: file.create_dataset("bomb", (2**31,), "u1", chunks=(2**20,)),
            "its arrays have 2,147,5.* bytes, want at most 2,147,483,648",
        ),
        (timed, "No NumPy equivalent for TypeTimeID exists"),
        (
            lambda file, _: file["stem"].attrs.update(weight_names=["stem"]),
            "'stem' in 'stem' is not an array",
        ),
        (
            lambda file, _: file["stem"].attrs.update(weight_names=np.full(10_000, b"k")) or file.update({"stem/k": 1}),
            "it names more than 10,000 layers and arrays",
        ),
        (
            again,
            "the arrays that it names, some of them again, have more than 2,147,483,648 bytes",
        ),
    ],
)
def test_file_that_holds_more_than_numbers_is_refused(saved, tmp_path, spoil, reason):
    with h5py.File(saved, "a") as file:
        spoil(file, tmp_path / "secret")
    with pytest.raises(WrongWeights, match=reason):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


def test_damaged_heap_of_names_is_told_in_the_words_of_its_cause():
    file = Path(__file__).parents[1] / "fuzz" / "corpus" / "weights" / "heap.h5"  # which Atheris found
    with pytest.raises(WrongWeights, match=r"unable to offset into local heap data block"):
        load_weights(SEPARABLE, str(file), SIZE_PX)


def test_names_that_may_all_be_one_long_text_are_refused_before_they_are_read(saved, monkeypatch):
    monkeypatch.setattr(weights, "MAX_TEXT_BYTES", 10_000)
    with h5py.File(saved, "a") as file:
        file["stem"].attrs["weight_names"] = np.full(2, "k" * 6000, h5py.string_dtype())
    with pytest.raises(WrongWeights, match=r"the texts of its '\w+_names' may have more than 10,000 bytes"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


@pytest.mark.parametrize("attribute", ["keras_version", "backend", "of nobody"])
def test_texts_of_any_attribute_are_bounded(saved, attribute, monkeypatch):
    monkeypatch.setattr(weights, "MAX_TEXT_BYTES", 1_000_000)
    with h5py.File(saved, "a") as file:
        file.attrs[attribute] = np.full(200, "k" * 6000, h5py.string_dtype())
    with pytest.raises(WrongWeights, match=f"the texts of its '{attribute}' may have more than 1,000,000 bytes"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


def text(number, size_bytes):
    """Head of a text in a heap of HDF5."""
    return struct.pack("<H6xQ", number, size_bytes)


def test_heap_within_a_text_hides_no_text_of_another_heap(tmp_path):
    inner = b"GCOL\x01\0\0\0" + struct.pack("<Q", 1048)
    outer = b"GCOL\x01\0\0\0" + struct.pack("<Q", 64)  # ends where the inner one is walked through
    content = outer + text(1, 16) + inner + text(1, 0) + text(2, 1000) + bytes(1000)
    (tmp_path / "a.h5").write_bytes(content)
    assert weights._measure_longest_text(tmp_path / "a.h5") == 1000


def test_too_many_texts_are_refused(saved, monkeypatch):
    monkeypatch.setattr(weights, "MAX_TEXTS", 2)
    with pytest.raises(WrongWeights, match=r"it has (more than )?2 (heaps of )?texts"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


@pytest.mark.parametrize("names", ["/".join("a" * 21), "many"], ids=["deep", "many"])
def test_too_many_groups_are_refused(saved, names, monkeypatch):
    if names == "many":
        monkeypatch.setattr(weights, "MAX_NAMES", 50)
    else:
        with h5py.File(saved, "a") as file:
            file.create_group(names)
    with pytest.raises(WrongWeights, match=r"it has more than [\d,]+ groups and arrays, or some more than 20 deep"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


@pytest.mark.parametrize("attribute", ["layer_names", "weight_names"])
@pytest.mark.parametrize("value", [7, [1, 2], "stem", h5py.Empty("S1")], ids=["number", "numbers", "text", "empty"])
def test_names_that_are_none_are_refused(saved, attribute, value):
    with h5py.File(saved, "a") as file:
        (file if attribute == "layer_names" else file["stem"]).attrs[attribute] = value
    with pytest.raises(WrongWeights, match=r"trunk\.h5 does not hold weights of separable: .*\. Set weights"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)


def test_heap_of_texts_that_never_ends_is_refused(saved):
    content = bytearray(saved.read_bytes())
    place = content.index(b"GCOL") + 16  # of its first text
    content[place : place + 16] = bytes(16)
    saved.write_bytes(content)
    faulthandler.dump_traceback_later(120, exit=True)  # nothing else ends HDF5's library
    with pytest.raises(WrongWeights, match=rf"damaged: a heap of texts would never end, at byte {place:,}\. Set weig"):
        load_weights(SEPARABLE, str(saved), SIZE_PX)
    faulthandler.cancel_dump_traceback_later()


def test_hand_made_network_has_no_imagenet_weights():
    with pytest.raises(WrongWeights) as caught:
        load_weights(SEPARABLE, "imagenet", SIZE_PX)
    assert str(caught.value) == (
        "imagenet does not hold weights of separable: "
        f"this network is hand-made, there are no ImageNet weights of it. {NEXT_STEP}"
    )


def test_width_without_imagenet_weights_is_told(download):
    download(lambda *_: pytest.fail("nothing should be downloaded"))
    with pytest.raises(WrongWeights) as caught:
        load_weights(MOBILENET.model_copy(update={"width": 0.4}), "imagenet", SIZE_PX)
    assert str(caught.value) == (
        "imagenet does not hold weights of mobilenet_v2, width 0.4: If imagenet weights are being loaded, alpha must "
        f"be one of `0.35`, `0.50`, `0.75`, `1.0`, `1.3` or `1.4` only; Received `alpha=0.4`. {NEXT_STEP}"
    )


def test_cut_trunk_takes_its_layers_from_the_whole_file(tmp_path):
    whole = build_trunk(NARROW, SIZE_PX)
    whole.save_weights(tmp_path / "whole.h5")
    until = "block_12_add"
    kept = load_weights(NARROW.model_copy(update={"until": until}), str(tmp_path / "whole.h5"), SIZE_PX)
    assert kept.layers[-1].name == until
    for layer in kept.layers[1:]:
        for weight, expected in zip(layer.get_weights(), whole.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)


def test_failed_download_says_what_to_do(download):
    def offline(*_):
        raise URLError("no route to host")

    download(offline)
    with pytest.raises(DownloadFailed) as caught:
        load_weights(NARROW, "imagenet", SIZE_PX)
    url = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    assert str(caught.value) == (
        "the ImageNet weights of mobilenet_v2, width 0.35 could not be downloaded: "
        f"URL fetch failure on {url}: None -- no route to host. Try again with a connection, or put an .h5 file of the "
        "trunk into data/incoming and set weights of the network in params.yaml to its path, or to 'none'"
    )


def test_downloaded_weights_are_loaded(download):
    served = build_trunk(NARROW, SIZE_PX)
    download(lambda _url, path, *_: served.save_weights(path, save_format="h5"))
    assert fingerprint(load_weights(NARROW, "imagenet", SIZE_PX)) == fingerprint(served)


def test_pictures_too_small_are_not_taken_for_a_failed_download(download):
    download(lambda *_: pytest.fail("nothing should be downloaded"))
    with pytest.raises(TooSmall) as caught:
        load_weights(INCEPTION, "imagenet", 64)
    assert str(caught.value) == (
        "inception_v3 takes pictures of 75 px and more, got 64. "
        "Set size_px of the network and pixels.sizes_px in params.yaml to more"
    )
