"""The report stage on the records of an invented run."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskopt import paths
from maskopt.data.rows import COLUMNS
from maskopt.errors import BrokenRecord, MissingFile
from maskopt.files import read_record, write_record
from maskopt.measuring.intervals import wilson_interval
from maskopt.params import CrossValidation, load_params
from maskopt.report.canvas import save
from maskopt.report.page import SECTIONS
from maskopt.search import COLUMNS as TRIED
from maskopt.stages import report
from maskopt.tflite.variants import VARIANTS

CLASSES = ["with_mask", "without_mask", "mask_weared_incorrect"]
LEAKS = ["path", "other", "kind", "here", "if_parted_by_chance"]
WEIGHTS = {"separable": "none", "mobilenet_v2": "data/incoming/mobilenet_v2.h5"}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def params():
    loaded = load_params(REPOSITORY / "params.yaml")
    return loaded.model_copy(update={"backbones": ("separable", "mobilenet_v2", "resnet50")})


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Two of three networks were measured; one variant is missing, one has neither curves nor layers."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for network, size_bytes in (("separable", 100_000), ("mobilenet_v2", 8_965_325)):
        for number, (variant, promise) in enumerate(VARIANTS.items()):
            _write_model(network, variant, promise.formats, size_bytes / (1 + number / 10), rng)
    frame = pd.DataFrame({name: [""] * 90 for name in COLUMNS})
    frame["path"] = [f"{i}.png" for i in range(90)]
    paths.PIXELS.mkdir(parents=True)
    frame.fillna("0").assign(bytes=1, width_px=8, height_px=8).to_csv(paths.MANIFEST, index=False)
    np.save(paths.pixels(64), rng.integers(0, 256, (90, 64, 64, 3), np.uint8))
    links = {"copies": 3, "near_copies": 5, "crops": 7, "refused": 0}
    classes = {name: {"val": 100} for name in CLASSES}
    alike = {"pictures": 2000, "pictures_with_look_alikes": 40, "largest_group": 5, "links": links, "classes": classes}
    write_record(paths.split_report(0), alike | {"leaks": {"here": 4, "if_parted_by_chance": 12}})
    pd.DataFrame(columns=LEAKS).to_csv(paths.leaks(0), index=False)
    told = {"accuracy": 0.6, "accuracy_low": 0.58, "accuracy_high": 0.62, "far_above_chance": True}
    write_record(paths.SHORTCUTS, {"chance": 0.3333, "facts": {"bytes": told}})
    frame[["path"]].to_csv(paths.ATTRIBUTES, index=False)
    pd.DataFrame(columns=[*TRIED, "front"]).to_csv(paths.SEARCH, index=False)
    paths.CROSSED.mkdir()
    for way in ("together", "parted"):
        pd.DataFrame(columns=["path", "label", *CLASSES]).to_csv(paths.crossed(way), index=False)
    paths.metrics("separable", "pcqat", 0).unlink()
    paths.curves("separable", "cqat", 0).unlink()
    paths.layers("separable", "cqat", 0).unlink()


def _write_model(network, variant, formats, float_bytes, rng):
    metrics, times = {}, {}
    for name in formats:
        confusion = {true: dict.fromkeys(CLASSES, int(rng.integers(0, 4))) for true in CLASSES}
        for true in CLASSES:
            confusion[true][true] = int(rng.integers(60, 140))
        correct = sum(confusion[true][true] for true in CLASSES)
        total = sum(sum(row.values()) for row in confusion.values())
        low, high = wilson_interval(correct, total)
        size_bytes = int(float_bytes / (1 if name == "float32" else 4))
        metrics[name] = {
            "correct": correct,
            "total": total,
            "accuracy": correct / total,
            "accuracy_low": low,
            "accuracy_high": high,
            "recall": {true: confusion[true][true] / sum(confusion[true].values()) for true in CLASSES},
            "recall_low": dict.fromkeys(CLASSES, 0.9),
            "recall_high": dict.fromkeys(CLASSES, 1.0),
            "macro_f1": correct / total,
            "calibration_error": 0.02,
            "confusion": confusion,
            "val_accuracy": 0.9,
            "unsure_share": 0.2,
            "raw_bytes": size_bytes,
            "gzip_bytes": int(size_bytes * 0.9),
            "brotli_bytes": int(size_bytes * 0.8),
            "xz_bytes": int(size_bytes * 0.8),
            "weight_bytes": size_bytes - 900,
            "bias_bytes": 300,
            "scale_bytes": 300,
            "graph_bytes": 300,
            "entropy_bytes": int(size_bytes * 0.7),
            "macs": 300_123_456,
            "parameters": 2_257_984,
            "peak_activation_bytes": 1_234_567,
            "sparsity": 0.2,
            "min_sparsity": 0.19,
            "max_values_per_channel": 16,
        }
        times[name] = {f"threads_{threads}": {"median_ms": 2 / threads, "p95_ms": 3 / threads} for threads in (1, 2)}
    write_record(
        paths.metrics(network, variant, 0), {"training": {"weights": WEIGHTS[network], "epochs": 3}, "formats": metrics}
    )
    write_record(paths.latency(network, variant), {"formats": times})
    _write_predictions(network, variant, formats, rng)
    _write_frames(network, variant)


def _write_predictions(network, variant, formats, rng):
    rows = pd.DataFrame({"path": [f"{i}.png" for i in range(90)], "label": np.repeat(CLASSES, 30)})
    for name in formats:
        rows[name] = np.where(rng.random(90) < 0.95, rows["label"], rng.choice(CLASSES, 90))
        rows[f"{name}_confidence"] = rng.uniform(1 / 3, 1, 90)
    paths.predictions(network, variant, 0).parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(paths.predictions(network, variant, 0), index=False)


def _write_frames(network, variant):
    epochs = np.arange(3 if variant not in ("baseline", "finetuned") else 10)
    rise = 1 - 0.6 * np.exp(-epochs / 3)
    curves = {
        "epoch": epochs,
        "loss": 1.1 - rise,
        "accuracy": rise,
        "val_loss": 1.2 - rise,
        "val_accuracy": rise - 0.05,
    }
    paths.curves(network, variant, 0).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({**curves, "learning_rate": 0.001}).to_csv(paths.curves(network, variant, 0), index=False)
    held = {
        "layer": ["conv"],
        "kind": "weights",
        "dtype": "int8",
        "shape": "(3, 3)",
        "bytes": 900,
        "entropy_bytes": 700.5,
    }
    paths.constants(network, variant, 0).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(held).assign(format="int8").to_csv(paths.constants(network, variant, 0), index=False)
    layers = {"technique": "pruned", "layer": ["conv", "depth"], "kind": ["Conv2D", "DepthwiseConv2D"]}
    rest = {"bytes": [900, 100], "reason": [None, "tfmot does not prune DepthwiseConv2D"]}
    paths.layers(network, variant, 0).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({**layers, **rest}).to_csv(paths.layers(network, variant, 0), index=False)


@pytest.fixture
def no_gallery(monkeypatch):
    """Leave out the figures of each network, which take most of the time."""
    monkeypatch.setattr(report, "draw_gallery", lambda *_: ())


@pytest.fixture
def thumbnails(monkeypatch):
    """File -> the pictures that are shown in it."""
    shown = {}

    def note(figure, file):
        shown[file.name] = [axes.images[0].get_array() for axes in figure.axes if axes.images]
        save(figure, file)

    monkeypatch.setattr(report, "save", note)
    return shown


@pytest.mark.usefixtures("run")
def test_report_shows_each_table_and_figure(params):
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    figures = sorted(path.name for path in paths.REPORT.glob("*.png"))
    assert figures == sorted(
        ["size_against_accuracy.png"]
        + [
            f"{kind}_{name}.png"
            for kind in ("curves", "techniques", "confusion", "reliability")
            for name in ("separable", "mobilenet_v2")
        ]
    )
    assert all(f"]({name})" in page for name in figures)
    for name in ("validation", "table_1", "table_2", "models", "recall", "bytes", "skipped", "shortcuts", "words"):
        assert (paths.REPORT / f"{name}.md").read_text() in page
        assert len(pd.read_csv(paths.REPORT / f"{name}.csv"))
    optional = ("front", "leaks", "suspects", "label_problems", "extra", "attributes", "robustness")
    assert not [name for name in optional if f"## {SECTIONS[name][0]}\n" in page]
    assert "In cross-validation" not in page
    assert "Which of dynamic range and int8 the paper calls PTQ" in page
    # All are right about 90% of the validation pictures: the one of the fewest bytes is the best, and the smallest.
    assert "- The best: `separable/sparse_clustered_qat`, 11,841 gzip bytes, right about 90.00% of" in page
    assert "noise: the same\n" in page
    assert "The pictures are drawings that maskopt makes" in page.split("## Validation")[0]
    assert page.index("## Which model") < page.index("## How it was measured") < page.index("Measured on the")
    assert "Weights at the start: separable random values; mobilenet_v2 data/incoming/mobilenet_v2.h5.\n" in page
    assert (
        "40 of 2,000 pictures look like another one: 3 pairs are copies, 5 near-copies and\n7 crops of one photograph; "
        "the largest group of pictures that are alike has 5. 4 test pictures\nlook like one outside the test split; "
        "after a split by chance, 12 would.\n"
        "These pictures are drawn one by one: what looks like a crop of another is a false alarm.\n"
    ) in page
    assert "**Warning:** file facts alone tell the class far more often than chance: bytes 60.0%." in page
    assert read_record(paths.REPORT / paths.SECTIONS)["best"] == ["separable", "sparse_clustered_qat"]
    assert "Not measured: data/metrics/seed-0/separable/pcqat.json, data/metrics/seed-0/resnet50/baseline.json" in page


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_of_pictures_of_ones_own_says_when_crops_are_false_alarms_and_counts_pairs_left_apart(params):
    record = read_record(paths.split_report(0))
    record["links"]["refused"] = 2
    write_record(paths.split_report(0), record)
    report.main(params.model_copy(update={"data": params.data.model_copy(update={"source": "folder"})}))
    page = (paths.REPORT / "report.md").read_text()
    assert (
        "12 would.\n2 of these pairs were left apart, since they would have joined too many pictures.\n"
        "Of pictures that are drawn or rendered, not photographed, what looks like a crop of another may be a false "
        "alarm.\n"
    ) in page
    assert "drawn one by one" not in page
    assert "The pictures are drawings" not in page


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_of_other_classes_leaves_out_the_paper(params):
    data = params.data.model_copy(update={"classes": ("circle", "square", "triangle")})
    report.main(params.model_copy(update={"data": data}))
    page = (paths.REPORT / "report.md").read_text()
    assert page.count("The paper's figures are left out: they are of other classes.\n") == 2
    assert "| paper" not in page
    assert "Which of dynamic range and int8 the paper calls PTQ" not in page
    assert page.count("paper") == 2
    assert page.startswith("# Report: circle, square, triangle\n")


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_attributes_where_they_are_known(params):
    pd.read_csv(paths.ATTRIBUTES).assign(glasses=["round", "None"] * 45).to_csv(paths.ATTRIBUTES, index=False)
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    assert (paths.REPORT / "attributes.md").read_text() in page.split("## Recall by attribute")[1]
    assert set(pd.read_csv(paths.REPORT / "attributes.csv", dtype=str, keep_default_na=False)["value"]) == {
        "round",
        "None",
    }


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_what_cross_validation_tells(params, thumbnails):
    labels = np.repeat(CLASSES, 30)
    scores = np.where(labels[:, None] == np.array(CLASSES), 0.8, 0.1)
    scores[[3, 40]] = [[0.02, 0.97, 0.01], [0.98, 0.01, 0.01]]
    for way, right in (("together", scores), ("parted", np.where(labels[:, None] == np.array(CLASSES), 0.9, 0.05))):
        rows = pd.DataFrame(right, columns=CLASSES)
        rows.insert(0, "path", [f"{i}.png" for i in range(90)])
        rows.insert(1, "label", labels)
        rows.to_csv(paths.crossed(way), index=False)
    asked = CrossValidation(network="separable", folds=5)
    report.main(params.model_copy(update={"cross_validation": asked, "seeds": (0, 7)}))
    page = (paths.REPORT / "report.md").read_text()
    assert (
        "In cross-validation (5 folds, seed 0) `separable` is right about 97.8% of all pictures while\n"
        "look-alikes are kept on one side, and about 100.0% when chance may part them: no difference shown (+0.0 to "
        "+5.6). The two\ntrainings differ by chance as well, and this is one seed: the gain includes that noise, which "
        "its interval leaves out.\n"
    ) in page
    assert (paths.REPORT / "label_problems.md").read_text() in page.split("## Labels that may be wrong")[1]
    assert pd.read_csv(paths.REPORT / "label_problems.csv").to_numpy().tolist() == [
        ["40.png", "without_mask", "with_mask", 0.01],
        ["3.png", "with_mask", "without_mask", 0.02],
    ]
    assert "![label_problems.jpg](label_problems.jpg)" in page
    np.testing.assert_array_equal(thumbnails["label_problems.jpg"], np.load(paths.pixels(64))[[40, 3]])


@pytest.mark.usefixtures("run", "no_gallery")
def test_names_of_classes_that_look_like_something_else_stay_names(params):
    names = dict(zip(CLASSES, ("1", "None", "true"), strict=True))
    for path in paths.PREDICTIONS.rglob("*.csv"):
        pd.read_csv(path).replace(names).to_csv(path, index=False)
    before = pd.read_csv(paths.predictions("separable", "finetuned", 0), dtype=str, keep_default_na=False)
    rows = before[["path", "label"]].assign(
        **{name: (before["label"] == name).astype(float) for name in names.values()}
    )
    for way in ("together", "parted"):
        rows.to_csv(paths.crossed(way), index=False)
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    assert "right about 100.0% of all pictures while\nlook-alikes are kept on one side" in page
    models = pd.read_csv(paths.REPORT / "models.csv").set_index(["network", "variant", "format"])
    assert abs(models["difference_points"].loc["separable", "qat", "int8"]) < 15  # of answers alike, most of them right


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("experiment,front\n<<<<<<< HEAD\na,True\n=======\nb,True\n>>>>>>> other\n", "Bool column has NA values"),
        ("<<<<<<< HEAD\nexperiment\n=======\ntried\n>>>>>>> other\n", "want a column front, got <<<<<<< HEAD"),
        ("experiment,front\na,True\n", "want a column pictures, got experiment, front"),
    ],
    ids=["rows", "names", "column"],
)
def test_search_with_conflicts_of_git_is_told(params, content, reason):
    paths.SEARCH.write_text(content)
    with pytest.raises(BrokenRecord) as told:
        report.main(params)
    assert str(told.value).startswith(f"data/search.csv is not what maskopt wrote: {reason}")
    assert str(told.value).endswith("; else make it again with `maskopt search --max-kb KB`")


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_the_front_of_a_search(params):
    tried = pd.DataFrame({name: ["a", "b", "c"] for name in TRIED}).assign(
        val_accuracy=[0.9, 0.8, 0.95],
        gzip_bytes=[50_000, 60_000, 90_000],
        macs=10**6,
        width=0.5,
        median_ms=1.5,
        nats_per_bit=[0.354, 0.1, None],
    )
    pictures = hashlib.sha256(paths.MANIFEST.read_bytes()).hexdigest()
    tried.assign(front=[True, False, True], pictures=pictures).to_csv(paths.SEARCH, index=False)
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    assert pd.read_csv(paths.REPORT / "front.csv")["experiment"].tolist() == ["a", "c"]
    assert (paths.REPORT / "front.md").read_text() in page.split("## Budget search")[1]
    prices = [line.split("|")[7].strip() for line in (paths.REPORT / "front.md").read_text().splitlines()]
    assert [prices[0], *prices[2:]] == ["nats per bit", "0.35", ""]
    assert "![search.png](search.png)" in page
    assert len(pd.read_csv(paths.REPORT / "search.csv")) == 3


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_leaves_out_a_search_of_other_pictures(params, caplog):
    row = dict.fromkeys(TRIED, "a") | {"pictures": "0" * 64, "front": True}
    pd.DataFrame([row]).to_csv(paths.SEARCH, index=False)
    report.main(params)
    assert "## Budget search" not in (paths.REPORT / "report.md").read_text()
    assert "data/search.csv: left out, of other pictures" in caplog.text


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_pictures_of_another_source_where_there_are_some(params):
    for path in paths.METRICS.rglob("*.json"):
        record = read_record(path)
        for figures in record["formats"].values():
            accuracy = figures["accuracy"] - 0.15
            figures["extra"] = {"total": 40, "accuracy": accuracy, "accuracy_low": 0.65, "accuracy_high": 0.9}
        write_record(path, record)
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    assert (paths.REPORT / "extra.md").read_text() in page.split("## Pictures of another source")[1]
    assert set(pd.read_csv(paths.REPORT / "extra.csv")["total"]) == {40}
    assert "% (65.0 to 90.0)" in page
    assert " -15.0 |" in page


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_worse_pictures_where_they_were_measured(params):
    for path in paths.METRICS.rglob("*.json"):
        record = read_record(path)
        for figures in record["formats"].values():
            figures["corrupted"] = {"blur": {"1": 0.5}}
        write_record(path, record)
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    assert (paths.REPORT / "robustness.md").read_text() in page.split("## Worse pictures")[1]
    assert set(pd.read_csv(paths.REPORT / "robustness.csv")["corruption"]) == {"clean", "blur"}


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_pictures_that_no_model_is_right_about(params, thumbnails):
    for path in paths.PREDICTIONS.rglob("*.csv"):
        rows = pd.read_csv(path)
        for name in ("float32", "dynamic", "int8"):
            if name in rows:
                rows.loc[[7, 40], name] = ["without_mask", "with_mask"]
        rows.to_csv(path, index=False)
    report.main(params)
    rows = pd.read_csv(paths.REPORT / "suspects.csv")
    assert rows[["path", "label", "said"]].to_numpy().tolist() == [
        ["40.png", "without_mask", "with_mask"],
        ["7.png", "with_mask", "without_mask"],
    ]
    page = (paths.REPORT / "report.md").read_text()
    assert (paths.REPORT / "suspects.md").read_text() in page.split("## Pictures that no model is right about")[1]
    assert "![suspects.jpg](suspects.jpg)" in page
    np.testing.assert_array_equal(thumbnails["suspects.jpg"], np.load(paths.pixels(64))[[40, 7]])


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_shows_look_alikes_that_a_split_parts_as_many_as_a_page_can_hold(params, thumbnails):
    pairs = pd.DataFrame({"path": [f"{i}.png" for i in range(40)], "other": [f"{i + 40}.png" for i in range(40)]})
    leaks = pairs.assign(kind="near-copy", here=[True] + [False] * 39, if_parted_by_chance=True)
    leaks.to_csv(paths.leaks(0), index=False)
    report.main(params)
    page = (paths.REPORT / "report.md").read_text()
    section = page.split("## Look-alikes on both sides of a split")[1]
    assert (paths.REPORT / "leaks.md").read_text() in section
    assert "![leaks.jpg](leaks.jpg)" in page
    shown = [line for line in section.split("##")[0].splitlines() if ".png" in line]
    assert [[cell.strip() for cell in line.split("|")[1:5]] for line in (shown[0], shown[-1])] == [
        ["0.png", "40.png", "near-copy", "in this split"],
        ["29.png", "69.png", "near-copy", "by chance"],
    ]
    assert pd.read_csv(paths.REPORT / "leaks.csv").equals(leaks)
    with Image.open(paths.REPORT / "leaks.jpg") as image:
        assert image.size == (1500, 3240)  # ten rows of three pairs
    shown, pixels = np.stack(thumbnails["leaks.jpg"]), np.load(paths.pixels(64))
    np.testing.assert_array_equal(shown[:, :, :64], pixels[:30])
    np.testing.assert_array_equal(shown[:, :, -64:], pixels[40:70])


@pytest.mark.usefixtures("run", "no_gallery")
def test_report_of_several_seeds_shows_their_means(params):
    for path in (paths.METRICS, paths.PREDICTIONS):
        shutil.copytree(path / "seed-0", path / "seed-1")
    report.main(params.model_copy(update={"seeds": (0, 1)}))
    page = (paths.REPORT / "report.md").read_text()
    assert "Figures are means over the seeds 0, 1" in page
    assert "% ± 0.00 (" in page
    assert "are about these trained models, not about the technique: where the ± of a difference is\nlarge" in page
    assert "data/metrics/seed-1/separable/pcqat.json" in page.split("Not measured: ")[1].split(".\n")[0]
    rows = pd.read_csv(paths.REPORT / "seeds.csv")
    assert set(rows["seed"]) == {0, 1}
    assert (pd.read_csv(paths.REPORT / "models.csv")["seeds"] == 2).all()


@pytest.mark.usefixtures("run")
def test_two_reports_are_the_same_to_the_byte(params):
    def write():
        report.main(params.model_copy(update={"backbones": ("separable",)}))
        return {path.name: path.read_bytes() for path in paths.REPORT.iterdir()}

    assert write() == write()


def test_report_of_nothing_says_what_to_run(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFile, match="data/metrics is missing: run `dvc repro`"):
        report.main(params)
