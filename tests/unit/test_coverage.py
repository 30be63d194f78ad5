import pandas as pd
import pytest

from maskopt.networks.keras import keras
from maskopt.techniques import clustering, pruning, quantization
from maskopt.tflite.coverage import count_reached, list_dynamic_range, list_layers
from maskopt.tflite.inspection import read_graph


@pytest.fixture
def rows(build_toy):
    frame = list_layers(build_toy(), {"pruned": pruning.skip_reason, "clustered": clustering.skip_reason})
    return frame.set_index(["technique", "layer"])


def test_layers_with_weights_have_a_row_per_technique(rows):
    layers = ["conv", "conv_bn", "depthwise", "depthwise_bn", "point", "point_bn", "logits"]
    assert rows.index.tolist() == [(technique, layer) for technique in ("pruned", "clustered") for layer in layers]


def test_bytes_are_those_counted_by_hand(rows):
    expected = {
        "conv": 3 * 3 * 3 * 12 * 4,
        "conv_bn": 4 * 12 * 4,
        "depthwise": 3 * 3 * 12 * 4,
        "depthwise_bn": 4 * 12 * 4,
        "point": 12 * 24 * 4,
        "point_bn": 4 * 24 * 4,
        "logits": (24 * 3 + 3) * 4,
    }
    assert rows.loc["pruned", "bytes"].to_dict() == expected


def test_skipped_layers_have_a_reason(rows):
    reasons = rows.loc["clustered", "reason"].dropna().to_dict()
    assert reasons == {
        "conv_bn": "tfmot does not cluster BatchNormalization",
        "depthwise": "tfmot does not cluster DepthwiseConv2D",
        "depthwise_bn": "tfmot does not cluster BatchNormalization",
        "point_bn": "tfmot does not cluster BatchNormalization",
    }


def test_depthwise_kernel_of_a_separable_layer_is_listed_as_left_out():
    separable = keras.layers.SeparableConv2D(8, 3, use_bias=False, name="both")
    model = keras.Sequential([keras.Input((8, 8, 4)), separable])
    frame = list_layers(model, {"clustered": clustering.skip_reason, "quantised": quantization.skip_reason})
    assert frame[["technique", "bytes", "reason"]].fillna("").values.tolist() == [
        ["clustered", 4 * 8 * 4, ""],
        ["clustered", 3 * 3 * 4 * 4, "of SeparableConv2D the pointwise kernel alone is clustered"],
        ["quantised", (4 * 8 + 3 * 3 * 4) * 4, ""],
    ]


def test_kinds_are_those_of_keras(rows):
    assert rows.loc["pruned", "kind"].tolist() == [
        "Conv2D",
        "BatchNormalization",
        "DepthwiseConv2D",
        "BatchNormalization",
        "Conv2D",
        "BatchNormalization",
        "Dense",
    ]


def test_layers_that_pruning_or_clustering_reached_are_counted(build_toy):
    techniques = {"clustered": clustering.skip_reason, "quantised": quantization.skip_reason}
    assert count_reached(list_layers(build_toy(), techniques | {"pruned": pruning.skip_reason})) == 3
    assert count_reached(list_layers(build_toy(), {"quantised": quantization.skip_reason})) == 0


def test_no_technique_gives_no_rows_but_the_columns(build_toy):
    frame = list_layers(build_toy(), {})
    assert (len(frame), frame.columns.tolist()) == (0, ["technique", "layer", "kind", "bytes", "reason"])


def test_weights_that_dynamic_range_leaves_float_are_named(tiny_files):
    frame = list_dynamic_range(read_graph(tiny_files.dynamic))
    reasons = frame.set_index("layer")["reason"]
    assert reasons["conv"] == "fewer than 1,024 weights stay float32"
    assert pd.isna(reasons["point"])
    assert frame.set_index("layer").loc["point", "bytes"] == 64 * 16 * 4
