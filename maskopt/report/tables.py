"""Frame of results -> the paper's two tables with its figures beside ours, and the table of everything."""

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from maskopt.report.paired import Difference
from maskopt.report.paper import Papers, Published
from maskopt.report.results import DIFFERENCE
from maskopt.tflite.variants import VARIANTS

# Variant -> the paper's heading.
TABLE_1 = {"baseline": "accuracy", "finetuned": "fine-tuned"}  # float models, .tflite as it is
TABLE_2 = {  # compressed models, .tflite gzipped
    "pruned": "pruned + PTQ",
    "clustered": "clustered + PTQ",
    "sparse_clustered_qat": "QAT",
    "pcqat": "PCQAT",
}
FLOAT_SIZE = "float size"
NOTHING = "-"

Cell = tuple[str, str, str, str]  # network, whose figure, heading, text


def compare_with_paper(results: pd.DataFrame, paper: Papers, variants: Collection[str], size: str) -> pd.DataFrame:
    """Return numbers: a row per network, variant and format, with the paper's figures where it has any.

    Args:
        results: of `collect_results`.
        paper: figures that are comparable.
        variants: keys of TABLE_1 or TABLE_2.
        size: column of our bytes, `raw_bytes` or `gzip_bytes`.
    """
    ours = results[results["variant"].isin(list(variants))]
    rows = ours[
        ["network", "variant", "format", size, "accuracy", "accuracy_low", "accuracy_high", "accuracy_sd"]
    ].copy()
    nothing = Published(float("nan"))
    models = zip(rows["network"], rows["variant"], strict=True)
    published = [paper.get(network, {}).get(variant, nothing) for network, variant in models]
    rows["paper_mb"] = [figure.size_mb for figure in published]
    rows["paper_accuracy"] = [figure.accuracy for figure in published]
    return rows


def lay_out_table_1(results: pd.DataFrame, paper: Papers) -> pd.DataFrame:
    """Return text in the paper's layout, its row, if any, under ours: float models, not compressed."""
    cells: list[Cell] = []
    for row in _records(results, TABLE_1):
        if row["format"] == "float32":
            cells.append((row["network"], "ours", TABLE_1[row["variant"]], _accuracy(row)))
            if row["variant"] == "baseline":
                cells.append((row["network"], "ours", FLOAT_SIZE, _bytes(row["raw_bytes"])))
    for network, models in paper.items():
        cells += [(network, "paper", heading, f"{models[name].accuracy:.2%}") for name, heading in TABLE_1.items()]
        cells.append((network, "paper", FLOAT_SIZE, f"{models['baseline'].size_mb} MB of 2^20"))
    return _pivot(cells, ["accuracy", FLOAT_SIZE, "fine-tuned"])


def lay_out_table_2(results: pd.DataFrame, paper: Papers) -> pd.DataFrame:
    """Return text in the paper's layout, its row, if any, under ours: gzipped bytes, accuracy of compressed models."""
    cells: list[Cell] = []
    for row in _records(results, TABLE_2):
        text = f"{_bytes(row['gzip_bytes'])}, {_accuracy(row)}, {_difference(row)}"
        cells.append((row["network"], f"ours, {row['format']}", TABLE_2[row["variant"]], text))
    for network, models in paper.items():
        for variant, heading in TABLE_2.items():
            figure = models[variant]
            cells.append((network, "paper", heading, f"{figure.size_mb} MB, {figure.accuracy:.2%}"))
    return _pivot(cells, list(TABLE_2.values()))


def lay_out_models(results: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant and format."""
    columns: dict[str, list[str]] = {
        "network": results["network"].tolist(),
        "variant": results["variant"].tolist(),
        "format": results["format"].tolist(),
        "accuracy (95% interval)": [_accuracy(row) for row in _records(results)],
        "against the float model": [_difference(row) for row in _records(results)],
        "bytes": _grouped(results["raw_bytes"]),
        "gzip bytes": _grouped(results["gzip_bytes"]),
        "macro F1": _percents(results, "macro_f1"),
        "calibration error": _percents(results, "calibration_error"),
        "brotli bytes": _grouped(results["brotli_bytes"]),
        "xz bytes": _grouped(results["xz_bytes"]),
        "entropy of its values": _grouped(results["entropy_bytes"]),
        "MACs": _grouped(results["macs"]),
        "parameters": _grouped(results["parameters"]),
        "peak activation bytes": _grouped(results["peak_activation_bytes"]),
        "sparsity": [NOTHING if pd.isna(part) else f"{part:.3f}" for part in results["sparsity"]],
        "values per channel": _grouped(results["max_values_per_channel"]),
    }
    for name in results.columns[results.columns.str.startswith("median_ms_threads_")]:
        heading = f"median ms, threads: {name.rpartition('_')[2]}"
        columns[heading] = [NOTHING if pd.isna(ms) else f"{ms:.2f}" for ms in results[name]]
    return pd.DataFrame(columns)


def lay_out_recall(recall: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant and format, a column per class."""
    texts = [
        NOTHING if pd.isna(part) else f"{part:.1%}{_spread(sd, 1)} ({100 * low:.1f} to {100 * high:.1f})"
        for part, sd, low, high in recall[["recall", "recall_sd", "low", "high"]].itertuples(index=False)
    ]
    rows = recall.assign(text=texts).pivot_table("text", ["network", "variant", "format"], "class", "first", sort=False)
    return rows.reset_index().rename_axis(columns=None)


def _records(results: pd.DataFrame, variants: Collection[str] = tuple(VARIANTS)) -> Iterable[dict[str, Any]]:
    for record in results[results["variant"].isin(list(variants))].to_dict("records"):
        yield {str(key): value for key, value in record.items()}


def _pivot(cells: list[Cell], headings: list[str]) -> pd.DataFrame:
    """Return a row per network and owner of the figures; networks in the order they first appear."""
    networks = list(dict.fromkeys(cell[0] for cell in cells))
    rows = sorted(dict.fromkeys(cell[:2] for cell in cells), key=lambda row: networks.index(row[0]))
    texts = {cell[:3]: cell[3] for cell in cells}
    body = [[*row, *(texts.get((*row, heading), NOTHING) for heading in headings)] for row in rows]
    return pd.DataFrame(body, columns=["network", "figures", *headings])


def _accuracy(row: dict[str, Any]) -> str:
    if pd.isna(row["accuracy"]):
        return NOTHING
    spread = _spread(row["accuracy_sd"], 2)
    return f"{row['accuracy']:.2%}{spread} ({100 * row['accuracy_low']:.1f} to {100 * row['accuracy_high']:.1f})"


def _difference(row: dict[str, Any]) -> str:
    figures = [row[f"difference_{name}"] for name in DIFFERENCE]
    return NOTHING if pd.isna(figures[0]) else Difference(*figures).words


def _percents(results: pd.DataFrame, name: str) -> list[str]:
    figures = results[[name, f"{name}_sd"]].itertuples(index=False)
    return [NOTHING if pd.isna(part) else f"{part:.1%}{_spread(sd, 1)}" for part, sd in figures]


def _spread(sd: float, digits: int) -> str:
    """Return the standard deviation between seeds, if there are several, in points."""
    return "" if pd.isna(sd) else f" ± {100 * sd:.{digits}f}"


def _bytes(count: int) -> str:
    return f"{count:,} bytes"


def _grouped(counts: "pd.Series[int]") -> list[str]:
    return [NOTHING if pd.isna(count) else f"{count:,}" for count in counts]
