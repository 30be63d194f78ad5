"""What is known of the run's models -> tables, figures and one page."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from maskopt import paths
from maskopt.data.rows import read_manifest
from maskopt.errors import MissingFile
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.records import read_record, write_record
from maskopt.report import tables
from maskopt.report.attributes import lay_out_groups, list_groups
from maskopt.report.bytes import lay_out_bytes, list_bytes
from maskopt.report.canvas import save
from maskopt.report.crossed import lay_out_label_problems, list_label_problems, measure_gain
from maskopt.report.extra import lay_out_extra, list_extra
from maskopt.report.gallery import draw_gallery
from maskopt.report.page import introduce, list_sections, to_markdown, to_record, write_page
from maskopt.report.results import (
    collect_recall,
    collect_results,
    collect_seeds,
    list_confusion,
    list_curves,
    list_starts,
)
from maskopt.report.robustness import lay_out_robustness, list_robustness
from maskopt.report.search import draw_search, lay_out_front, list_front
from maskopt.report.shortcuts import lay_out_shortcuts, list_shortcuts, warn
from maskopt.report.skipped import lay_out_skipped, list_skipped
from maskopt.report.suspects import draw_suspects, lay_out_suspects, list_suspects
from maskopt.stages.run import run
from maskopt.variants import VARIANTS

Model = tuple[str, str, int]  # backbone, variant, seed
THUMBNAILS = {
    "suspects": "Test pictures that no model is right about",
    "label_problems": "Labels that may be wrong",
}

logger = logging.getLogger(__name__)


def main(params: Params) -> None:
    """Write the report of the networks that params name, as far as they were measured."""
    seeds = params.seeds
    models = [(backbone, variant, seed) for backbone in params.backbones for variant in VARIANTS for seed in seeds]
    metrics = {model: read_record(paths.metrics(*model)) for model in models if paths.metrics(*model).is_file()}
    if not metrics:
        raise MissingFile(paths.METRICS, "run `dvc repro`")
    missing = [str(paths.metrics(*model)) for model in models if model not in metrics]
    if missing:
        logger.warning("not measured: %s", ", ".join(missing))
    predictions = _read(paths.predictions, models)
    first = [model for model in models if model[-1] == seeds[0]]
    curves, layers, constants, shown = (
        {model[:2]: frame for model, frame in _read(path, first).items()}
        for path in (paths.curves, paths.layers, paths.constants, paths.predictions)
    )
    latency = {model[:2]: read_record(file) for model in first if (file := paths.latency(*model[:2])).is_file()}
    results = collect_results(metrics, latency, predictions)
    recall, held, skipped = collect_recall(metrics), list_bytes(constants, layers), list_skipped(layers)
    shortcuts = list_shortcuts(read_record(paths.SHORTCUTS))
    together, parted = (pd.read_csv(paths.crossed(way)) for way in ("together", "parted"))
    gain = measure_gain(together, parted) if len(together) else None
    tried = pd.read_csv(paths.SEARCH)
    optional: dict[str, tuple[pd.DataFrame, Callable[[pd.DataFrame], pd.DataFrame]]] = {
        "front": (list_front(tried), lay_out_front),
        "suspects": (list_suspects(predictions), lay_out_suspects),
        "label_problems": (list_label_problems(together), lay_out_label_problems),
        "extra": (list_extra(metrics), lay_out_extra),
        "attributes": (list_groups(predictions, pd.read_csv(paths.ATTRIBUTES, dtype=str)), lay_out_groups),
        "robustness": (list_robustness(metrics), lay_out_robustness),
    }

    records = {model[:2]: metrics[model] for model in first if model in metrics}

    with replacing(paths.REPORT) as folder:
        folder.mkdir()
        numbers = {
            "table_1": tables.compare_with_paper(results, tables.TABLE_1, "raw_bytes"),
            "table_2": tables.compare_with_paper(results, tables.TABLE_2, "gzip_bytes"),
            "models": results,
            "seeds": collect_seeds(metrics),
            "recall": recall,
            "bytes": held,
            "skipped": skipped,
            "shortcuts": shortcuts,
            "search": tried,
            "curves": list_curves(curves),
            "confusion": list_confusion(records),
        }
        texts = {
            "table_1": tables.lay_out_table_1(results),
            "table_2": tables.lay_out_table_2(results),
            "models": tables.lay_out_models(results),
            "recall": tables.lay_out_recall(recall),
            "bytes": lay_out_bytes(results),
            "skipped": lay_out_skipped(skipped),
            "shortcuts": lay_out_shortcuts(shortcuts),
        }
        for name, (frame, lay_out) in optional.items():
            if len(frame):
                numbers[name], texts[name] = frame, lay_out(frame)
        for name, frame in numbers.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        for name, text in texts.items():
            (folder / f"{name}.md").write_text(to_markdown(text), encoding="utf-8")
        figures = dict(draw_gallery(results, records, curves, shown))
        if len(tried):
            figures["search"] = draw_search(tried)
        for name, title in THUMBNAILS.items():
            if name in numbers:
                pictures = _read_pixels(numbers[name], max(params.pixels.sizes_px))
                figures[name] = draw_suspects(numbers[name], pictures, title)
        for name, figure in figures.items():
            save(figure, folder / f"{name}.png")
        total = int(results["total"].max())
        starts, names = list_starts(metrics), [f"{name}.png" for name in figures]
        split = read_record(paths.split_report(seeds[0]))
        said = introduce(params.data.source, total, starts, seeds, missing, warn(shortcuts), split, gain)
        sections = list_sections(texts)
        (folder / "report.md").write_text(write_page(said, sections, names), encoding="utf-8")
        write_record(
            folder / paths.SECTIONS, {"introduction": said, "sections": [to_record(each) for each in sections]}
        )
    logger.info("%s: %d models of %d networks", paths.REPORT / "report.md", len(results), len(params.backbones))


def _read_pixels(pictures: pd.DataFrame, size_px: int) -> npt.NDArray[np.uint8]:
    """Return (N, H, W, 3) of the N pictures whose paths are given."""
    rows = pd.Index(read_manifest(paths.MANIFEST)["path"]).get_indexer(pictures["path"])
    pixels: npt.NDArray[np.uint8] = np.load(paths.pixels(size_px), mmap_mode="r")[rows]
    return pixels


def _read(path: Callable[[str, str, int], Path], models: list[Model]) -> dict[Model, pd.DataFrame]:
    """Return the frames of those models that have one."""
    return {model: pd.read_csv(path(*model)) for model in models if path(*model).is_file()}


if __name__ == "__main__":
    run(main)
