import gzip
import lzma

import brotli
import numpy as np
import pytest

from maskopt.measuring.sizes import entropy_bytes, list_constants, pack, share
from maskopt.tflite.inspection import read_graph


@pytest.fixture(params=["float32", "dynamic", "int8"])
def file(request, tiny_files):
    return getattr(tiny_files, request.param)


def test_packed_file_comes_back_from_each_codec(file):
    content = file.read_bytes()
    packed = pack(content)
    assert packed.raw_bytes == len(content) == file.stat().st_size
    assert packed.gzip_bytes == len(gzip.compress(content, 9, mtime=0))
    assert brotli.decompress(brotli.compress(content, quality=11)) == content
    assert lzma.decompress(lzma.compress(content)) == content
    assert max(packed.gzip_bytes, packed.brotli_bytes, packed.xz_bytes) < packed.raw_bytes


def test_shares_add_up_to_the_file(file):
    content = file.read_bytes()
    parts = share(content, read_graph(file))
    assert parts.weight_bytes + parts.bias_bytes + parts.scale_bytes + parts.graph_bytes == len(content)
    assert parts.graph_bytes > 0


def test_shares_of_float_weights_are_those_counted_by_hand(tiny_files):
    parts = share(tiny_files.float32.read_bytes(), read_graph(tiny_files.float32))
    preprocessing, conv, depthwise, point, dense = 3 * 3, 3 * 3 * 3 * 16, 3 * 3 * 16, 16 * 64, 64 * 3
    assert parts.weight_bytes == 4 * (preprocessing + conv + depthwise + point + dense)
    assert parts.bias_bytes == 4 * (3 + 16 + 16 + 64 + 3)
    assert parts.scale_bytes == 0


def test_integer_weights_take_a_byte_each_and_scales_per_channel(tiny_files):
    graph = read_graph(tiny_files.int8)
    parts = share(tiny_files.int8.read_bytes(), graph)
    assert parts.weight_bytes == 3 * 3 + 3 * 3 * 3 * 16 + 3 * 3 * 16 + 16 * 64 + 64 * 3
    channels = sum(tensor.scales.size for tensor in graph.tensors)
    assert parts.scale_bytes == (4 + 8) * channels


def test_constants_name_layer_and_kind(tiny_files):
    constants = list_constants(read_graph(tiny_files.int8))
    weights = [(each.layer, each.bytes) for each in constants if each.kind == "weights"]
    assert weights == [("preprocessing", 9), ("conv", 432), ("depth", 144), ("point", 1024), ("head", 192)]
    assert [each.layer for each in constants if each.kind == "biases"] == [layer for layer, _ in weights]


def test_entropy_of_planted_values_is_two_bits_each(tiny_files):
    constants = {each.layer: each for each in list_constants(read_graph(tiny_files.float32)) if each.kind == "weights"}
    assert constants["point"].entropy_bytes == pytest.approx(1024 * 2 / 8)
    assert constants["depth"].entropy_bytes > 144 * 2 / 8  # noise


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.zeros(80, np.int8), 0),
        (np.arange(256).astype(np.uint8), 256),
        (np.repeat([0, 1, 2], [4, 2, 2]), 8 * 1.5 / 8),  # codes of 1, 2 and 2 bits
    ],
)
def test_entropy_is_that_of_an_ideal_code(values, expected):
    assert entropy_bytes(values) == pytest.approx(expected)
