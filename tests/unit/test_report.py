import copy
import json

import numpy as np
import pandas as pd
import pytest
from drawn import photograph

from maskopt.report.bytes import lay_out_bytes, list_bytes
from maskopt.report.calibration import draw_reliability
from maskopt.report.canvas import save
from maskopt.report.curves import draw_phases
from maskopt.report.extra import list_extra
from maskopt.report.figures import draw_confusion_matrices, draw_size_against_accuracy
from maskopt.report.leaks import draw_leaks
from maskopt.report.page import are_figures, entitle
from maskopt.report.paper import PAPER, comparable
from maskopt.report.results import collect_recall, collect_results, collect_seeds
from maskopt.report.skipped import lay_out_skipped, list_skipped
from maskopt.report.suspects import draw_suspects, list_suspects
from maskopt.report.tables import (
    TABLE_1,
    TABLE_2,
    compare_with_paper,
    lay_out_models,
    lay_out_recall,
    lay_out_table_1,
    lay_out_table_2,
)
from maskopt.report.thumbnails import MOST, draw_thumbnails
from maskopt.tflite.variants import VARIANTS

CLASSES = ["with_mask", "without_mask", "mask_weared_incorrect"]
FLOAT_BYTES = 8_965_325


def figures_of(name, correct=95):
    """What `measured` writes of one format: 100 pictures, a file four times smaller if it is not float32."""
    raw_bytes = FLOAT_BYTES if name == "float32" else FLOAT_BYTES // 4
    return {
        "correct": correct,
        "total": 100,
        "accuracy": correct / 100,
        "accuracy_low": correct / 100 - 0.04,
        "accuracy_high": min(correct / 100 + 0.03, 1.0),
        "recall": dict.fromkeys(CLASSES, 0.95),
        "recall_low": dict.fromkeys(CLASSES, 0.9),
        "recall_high": dict.fromkeys(CLASSES, 0.98),
        "macro_f1": 0.95,
        "calibration_error": 0.03,
        "confusion": {true: {said: 30 if said == true else 2 for said in CLASSES} for true in CLASSES},
        "raw_bytes": raw_bytes,
        "gzip_bytes": raw_bytes // 2,
        "brotli_bytes": raw_bytes // 3,
        "xz_bytes": raw_bytes // 3,
        "weight_bytes": raw_bytes - 1_500,
        "bias_bytes": 500,
        "scale_bytes": 700,
        "graph_bytes": 300,
        "entropy_bytes": raw_bytes // 4,
        "macs": 1000,
        "parameters": 2000,
        "peak_activation_bytes": 3000,
        "sparsity": 0.2,
        "min_sparsity": 0.19,
        "max_values_per_channel": 16,
    }


def record_of(variant):
    return {"training": {"epochs": 3}, "formats": {name: figures_of(name) for name in VARIANTS[variant].formats}}


@pytest.fixture
def metrics():
    """Two networks, one of them the paper's."""
    return {(network, name, 0): record_of(name) for network in ("separable", "mobilenet_v2") for name in VARIANTS}


@pytest.fixture
def predictions(metrics):
    """100 pictures of one class; the float model is right at 95, PCQAT at 80 of them, all others as the float model."""
    frames = {}
    for network, variant, seed in metrics:
        right = np.arange(100) < (80 if variant == "pcqat" else 95)
        rows = pd.DataFrame({"path": range(100), "label": CLASSES[0]})
        for name in VARIANTS[variant].formats:
            rows[name] = np.where(right, CLASSES[0], CLASSES[1])
            rows[f"{name}_confidence"] = 0.9
        frames[network, variant, seed] = rows
    return frames


@pytest.fixture
def results(metrics, predictions):
    time = {"median_ms": 1.5, "p95_ms": 2.25}
    latency = {("separable", "qat"): {"formats": {"int8": {"threads_1": time, "threads_2": time}}}}
    return collect_results(metrics, latency, predictions)


def row_of(results, *model):
    return results.set_index(["network", "variant", "format"]).sort_index().loc[model]


def test_results_hold_a_row_per_file(results):
    assert len(results) == 2 * sum(len(variant.formats) for variant in VARIANTS.values())


def test_results_hold_latency_where_it_was_taken(results):
    assert row_of(results, "separable", "qat", "int8")["p95_ms_threads_2"] == 2.25
    assert pd.isna(row_of(results, "mobilenet_v2", "qat", "int8")["p95_ms_threads_2"])


def test_models_are_compared_with_their_float_model(results):
    table = lay_out_models(results).set_index(["network", "variant", "format"])["against the float model"]
    assert table["separable", "finetuned", "float32"] == "-"
    assert table["separable", "pruned", "int8"] == "no difference shown (+0.0 to +0.0)"
    assert table["separable", "pcqat", "int8"].startswith("worse by 15.0 (")


def test_models_without_predictions_are_not_compared(metrics, predictions):
    del predictions["separable", "finetuned", 0]
    rows = collect_results(metrics, {}, predictions).set_index("network")["difference_points"]
    assert rows["separable"].isna().all()
    assert rows["mobilenet_v2"].notna().sum() == len(rows["mobilenet_v2"]) - 1


def test_results_are_means_over_seeds_with_their_spread(metrics, predictions):
    for model, record in list(metrics.items()):
        metrics[*model[:2], 1] = copy.deepcopy(record)
        predictions[*model[:2], 1] = predictions[model]
    others = {"gzip_bytes": 1_120_865, "macro_f1": 0.97, "calibration_error": 0.05}
    metrics["separable", "qat", 1]["formats"]["int8"] |= figures_of("int8", correct=97) | others
    results = collect_results(metrics, {}, predictions)
    qat = row_of(results, "separable", "qat", "int8")
    assert (qat["seeds"], qat["accuracy"], qat["gzip_bytes"]) == (2, pytest.approx(0.96), 1_120_765)
    assert qat["accuracy_sd"] == pytest.approx(0.02 / 2**0.5)
    texts = lay_out_models(results).set_index(["network", "variant", "format"])
    spread = ["accuracy (95% interval)", "macro F1", "calibration error", "against the float model"]
    shown = texts.loc[[("separable", "qat", "int8"), ("separable", "pqat", "int8")], spread]
    none = "no difference shown: +0.0 ± 0.0 (+0.0 to +0.0)"
    assert shown.to_numpy().tolist() == [
        ["96.00% ± 1.41 (92.0 to 99.0)", "96.0% ± 1.4", "4.0% ± 1.4", none],
        ["95.00% ± 0.00 (91.0 to 98.0)", "95.0% ± 0.0", "3.0% ± 0.0", none],
    ]


def test_difference_is_that_of_all_seeds(metrics, predictions):
    for model, record in list(metrics.items()):
        metrics[*model[:2], 1] = record
        predictions[*model[:2], 1] = predictions[model].copy()
    answers = predictions["separable", "qat", 1]
    answers.loc[55:, "int8"] = CLASSES[1]  # as the float model of seed 0, but right at 40 pictures fewer of seed 1
    qat = row_of(collect_results(metrics, {}, predictions), "separable", "qat", "int8")
    assert qat["difference_points"] == pytest.approx(-20)
    assert qat["difference_sd"] == pytest.approx(800**0.5)  # of 0 and -40


def test_figures_of_each_seed_are_kept(metrics):
    metrics["separable", "qat", 1] = metrics["separable", "qat", 0]
    rows = collect_seeds(metrics).set_index(["network", "variant", "format"])
    assert rows.loc[("separable", "qat", "int8"), "seed"].tolist() == [0, 1]


def test_recall_has_a_column_per_class(metrics):
    recall = collect_recall(metrics)
    assert len(recall) == 3 * sum(len(VARIANTS[variant].formats) for _, variant, _ in metrics)
    table = lay_out_recall(recall)
    assert table.iloc[0].tolist() == ["separable", "baseline", "float32", *["95.0% (90.0 to 98.0)"] * 3]
    assert table.columns[3:].tolist() == CLASSES


def test_recall_is_the_mean_over_seeds_with_its_spread():
    seeds = record_of("qat"), record_of("qat")
    for end, parts in {"recall": (0.9, 0.6), "recall_low": (0.8, 0.5), "recall_high": (1.0, 0.7)}.items():
        for record, part in zip(seeds, parts, strict=True):
            record["formats"]["int8"][end] = dict.fromkeys(CLASSES, part)
    recall = collect_recall({("separable", "qat", seed): record for seed, record in enumerate(seeds)})
    assert recall[["recall", "low", "high"]].to_numpy() == pytest.approx(np.array([[0.75, 0.65, 0.85]] * 3))
    assert lay_out_recall(recall).iloc[0, 3:].tolist() == ["75.0% ± 21.2 (65.0 to 85.0)"] * 3  # 0.3 / 2**0.5


def test_accuracy_on_pictures_of_another_source_is_the_mean_over_seeds():
    seeds = record_of("qat"), record_of("qat")
    for record, correct in zip(seeds, (90, 60), strict=True):
        record["formats"]["int8"]["extra"] = figures_of("int8", correct)
    seeds[1]["formats"]["int8"]["accuracy"] = 0.85
    row = list_extra({("separable", "qat", seed): record for seed, record in enumerate(seeds)}).iloc[0]
    assert row["total"] == 100
    assert row[["accuracy", "accuracy_low", "accuracy_high"]].tolist() == pytest.approx([0.75, 0.71, 0.78])
    assert row["test_accuracy"] == pytest.approx(0.9)


def test_recall_of_a_class_without_pictures_is_a_dash(metrics):
    metrics["separable", "qat", 0]["formats"]["int8"]["recall"][CLASSES[1]] = None
    table = lay_out_recall(collect_recall(metrics)).set_index(["network", "variant", "format"])
    assert table.loc[("separable", "qat", "int8"), CLASSES[1]] == "-"


def test_reliability_has_a_panel_per_variant_with_its_error(predictions):
    figure = draw_reliability("separable", {variant: predictions["separable", variant, 0] for variant in VARIANTS})
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "baseline\nfloat32, error 5.0 points"
    assert titles[-1] == "pcqat\nint8, error 10.0 points"


def test_paper_figures_stand_beside_ours(results):
    rows = compare_with_paper(results, PAPER, TABLE_2, "gzip_bytes")
    pruned = row_of(rows, "mobilenet_v2", "pruned", "int8")
    assert (pruned["gzip_bytes"], pruned["paper_mb"], pruned["paper_accuracy"]) == (1_120_665, 2.06, 0.9894)
    assert pd.isna(row_of(rows, "separable", "pruned", "int8")["paper_mb"])


def test_comparison_holds_both_formats_of_quantisation_after_training(results):
    rows = compare_with_paper(results, PAPER, TABLE_2, "gzip_bytes")
    rows = rows[(rows["network"] == "mobilenet_v2")]
    assert rows.groupby("variant")["format"].agg(list).to_dict() == {
        "pruned": ["dynamic", "int8"],
        "clustered": ["dynamic", "int8"],
        "sparse_clustered_qat": ["int8"],
        "pcqat": ["int8"],
    }


def test_table_1_has_the_paper_under_ours(results):
    table = lay_out_table_1(results, PAPER)
    assert table[table["network"] == "mobilenet_v2"].to_numpy().tolist() == [
        ["mobilenet_v2", "ours", "95.00% (91.0 to 98.0)", "8,965,325 bytes", "95.00% (91.0 to 98.0)"],
        ["mobilenet_v2", "paper", "99.39%", "8.55 MB of 2^20", "99.55%"],
    ]


def test_table_2_has_the_paper_under_ours(results):
    table = lay_out_table_2(results, PAPER)
    ours = "1,120,665 bytes, 95.00% (91.0 to 98.0), no difference shown (+0.0 to +0.0)"
    rows = table[table["network"] == "mobilenet_v2"].to_numpy().tolist()
    pcqat = rows[1].pop()
    assert pcqat.startswith("1,120,665 bytes, 95.00% (91.0 to 98.0), worse by 15.0 (")
    assert rows == [
        ["mobilenet_v2", "ours, dynamic", ours, ours, "-", "-"],
        ["mobilenet_v2", "ours, int8", ours, ours, ours],
        ["mobilenet_v2", "paper", "2.06 MB, 98.94%", "1.11 MB, 96.66%", "2.02 MB, 99.39%", "1.24 MB, 96.88%"],
    ]


def test_networks_of_the_paper_that_were_not_run_are_shown_alone(results):
    for table in (lay_out_table_1(results, PAPER), lay_out_table_2(results, PAPER)):
        assert table[table["network"] == "resnet50"]["figures"].tolist() == ["paper"]


def test_paper_is_left_out_beside_other_classes(results):
    assert comparable(CLASSES) == PAPER
    paper = comparable(["circle", "square"])
    for table in (lay_out_table_1(results, paper), lay_out_table_2(results, paper)):
        assert set(table["network"]) == {"separable", "mobilenet_v2"}
        assert table["figures"].str.startswith("ours").all()
    assert compare_with_paper(results, paper, TABLE_2, "gzip_bytes")["paper_accuracy"].isna().all()


def test_table_of_all_models_works_without_latency(metrics):
    assert not any("ms" in heading for heading in lay_out_models(collect_results(metrics, {}, {})).columns)


def test_paper_has_each_figure_of_both_tables():
    assert all(set(models) == {*TABLE_1, *TABLE_2} for models in PAPER.values())


@pytest.fixture
def layers():
    """A network of 100 bytes, 30 of them depthwise."""
    shape = {"layer": ["conv", "depth", "norm"], "kind": ["Conv2D", "DepthwiseConv2D", "BatchNormalization"]}
    shape["bytes"] = [60, 30, 10]
    skips = "tfmot does not prune DepthwiseConv2D", "tfmot does not prune BatchNormalization"
    return pd.concat(
        [
            pd.DataFrame({"technique": "pruned", **shape, "reason": [None, *skips]}),
            pd.DataFrame({"technique": "quantised", **shape, "reason": None}),
        ]
    )


def test_skipped_layers_are_listed_with_their_share(layers):
    rows = list_skipped({("separable", "pqat"): layers})
    assert rows[["technique", "layer", "share"]].to_numpy().tolist() == [
        ["pruned", "depth", 0.3],
        ["pruned", "norm", 0.1],
    ]


def test_skipped_layers_are_summed_by_reason(layers):
    rows = lay_out_skipped(list_skipped({("separable", "pqat"): pd.concat([layers, layers.iloc[[1]]])}))
    assert rows.iloc[0].tolist() == [
        "separable",
        "pqat",
        "pruned",
        "2",
        "60",
        "46.2%",
        "tfmot does not prune DepthwiseConv2D",
    ]


def test_bytes_name_the_techniques_at_work_in_each_layer(layers):
    constants = pd.DataFrame(
        {"layer": ["conv", "depth", "conv"], "kind": ["weights", "weights", "biases"], "dtype": "int8", "shape": "(1,)"}
    ).assign(bytes=10, entropy_bytes=2.5, format="int8")
    model = ("separable", "pqat")
    rows = list_bytes({model: constants}, {model: layers})
    assert rows["techniques"].tolist() == ["pruned, quantised", "quantised", ""]
    assert list_bytes({model: constants}, {})["techniques"].tolist() == ["", "", ""]


def test_table_of_bytes_holds_what_they_are_for(results):
    table = lay_out_bytes(results).set_index(["network", "variant", "format"])
    row = table.loc["separable", "finetuned", "float32"]
    assert row.to_dict() == {"weights": f"{FLOAT_BYTES - 1500:,}", "biases": "500", "scales": "700", "graph": "300"}


def test_curves_of_two_phases_are_joined():
    frame = pd.DataFrame({name: [0.5, 0.25] for name in ("accuracy", "val_accuracy", "loss", "val_loss")})
    accuracy, loss = draw_phases("separable", {"baseline": frame, "fine-tuned": frame}).axes
    assert accuracy.lines[0].get_xydata().tolist() == [[1, 0.5], [2, 0.25], [3, 0.5], [4, 0.25]]
    assert [text.get_text() for text in loss.texts] == ["baseline", "fine-tuned"]


def test_sizes_have_a_panel_per_network_and_a_logarithmic_axis(results):
    panels = draw_size_against_accuracy(results).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["separable", "mobilenet_v2"]
    assert {panel.get_xscale() for panel in panels} == {"log"}


@pytest.mark.parametrize("largest", [100_000, 9_000_000])
def test_sizes_have_some_readable_marks_whatever_their_range(results, largest):
    sizes = [29_000, *[largest] * (len(results) - 1)]
    axes = draw_size_against_accuracy(results.assign(gzip_bytes=sizes)).axes[-1]
    left, right = axes.get_xlim()
    assert 4 <= sum(left <= mark <= right for mark in axes.get_xticks()) <= 9


def test_confusion_matrix_shows_each_count():
    axes = draw_confusion_matrices("separable", {"qat": record_of("qat")}).axes[0]
    assert [text.get_text() for text in axes.texts] == ["30", "2", "2", "2", "30", "2", "2", "2", "30"]


def test_records_of_the_tests_are_those_that_are_measured(tiny_files):
    from dataclasses import asdict

    from maskopt.measuring.measure import assess, count_costs, summarize_weights
    from maskopt.measuring.sizes import pack, share
    from maskopt.tflite.inspection import read_graph

    graph, content = read_graph(tiny_files.int8), tiny_files.int8.read_bytes()
    quality = assess(np.eye(3, dtype=np.float32), np.array([0, 1, 2]), CLASSES)
    sizes = asdict(pack(content)) | asdict(share(content, graph)) | {"entropy_bytes": 0}
    measured = asdict(quality) | sizes | asdict(count_costs(graph)) | asdict(summarize_weights(graph))
    assert list(measured) == list(figures_of("int8"))
    json.dumps(measured)


def test_names_that_look_like_mathematics_are_drawn_as_they_are(tmp_path):
    row = {"path": "cat/$_$.png", "label": r"a$\foo$", "said": "cat"}
    save(draw_suspects(pd.DataFrame([row]), np.zeros((1, 8, 8, 3), np.uint8), "Suspects"), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_picture_that_a_model_of_another_seed_is_right_about_is_no_suspect():
    frames = {
        ("small", "qat", seed): pd.DataFrame({"path": ["1.png", "2.png"], "label": "cat", "int8": ["dog", said]})
        for seed, said in ((0, "dog"), (1, "cat"))
    }
    assert list_suspects(frames).to_dict("records") == [{"path": "1.png", "label": "cat", "said": "dog", "models": 2}]


def test_thumbnails_are_named_with_file_label_and_what_was_said():
    rows = pd.DataFrame({"path": ["cat/1.png", "dog/2.png"], "label": ["cat", "dog"], "said": ["dog", "cat"]})
    figure = draw_suspects(rows, np.zeros((2, 8, 8, 3), np.uint8), "Suspects")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["1.png\ncat\n-> dog", "2.png\ndog\n-> cat"]


def test_look_alikes_are_named_with_both_paths():
    row = {"path": "cat/1.png", "other": "cat/2.png", "kind": "crop", "here": True}
    figure = draw_leaks(pd.DataFrame([row]), *np.zeros((2, 1, 8, 8, 3), np.uint8))
    assert figure.axes[0].get_title() == "cat/1.png\ncat/2.png\ncrop, in this split"


def test_thumbnails_of_photographs_leave_a_page_that_can_be_sent(tmp_path):
    noise = np.random.default_rng(0).normal(0, 8, (MOST, 160, 160, 3))
    pictures = np.clip([np.asarray(photograph(i)) for i in range(MOST)] + noise, 0, 255).astype(np.uint8)
    save(draw_thumbnails(pictures, ["cat/0.png"] * MOST, "Suspects"), tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").stat().st_size < 1_000_000  # three such are 4 MB in base64; the rest of a page is 1 MB


@pytest.mark.parametrize(
    ("texts", "are"),
    [
        (["97.5% (95.2 to 98.5)", "-"], True),
        (["-1.5", "+0.2"], True),
        (["1,000 bytes", "8.55 MB of 2^20"], True),
        (["2.21.0", "3.8.8"], False),
        (["1.png", "0002.jpg"], False),
        (["-", "-"], False),
        (["3", "none"], False),
        (["39,111 bytes, 97.28% (95.2 to 98.5), no difference shown"], False),
    ],
)
def test_columns_of_figures_are_told_from_others(texts, are):
    assert are_figures(texts) is are


def test_title_names_the_classes_the_first_of_many():
    assert entitle(["cat", "dog"]) == "Report: cat, dog"
    assert entitle(list("abcdefg")) == "Report: a, b, c, d and 3 more"
