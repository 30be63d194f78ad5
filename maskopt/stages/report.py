"""What is known of the run's models -> tables, figures and one page."""

import logging

import pandas as pd

from maskopt import paths
from maskopt.errors import MissingFile
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.records import read_record
from maskopt.report import tables
from maskopt.report.bytes import lay_out_bytes, list_bytes
from maskopt.report.canvas import save
from maskopt.report.gallery import draw_gallery
from maskopt.report.page import to_markdown, write_page
from maskopt.report.results import collect_recall, collect_results, list_starts
from maskopt.report.skipped import lay_out_skipped, list_skipped
from maskopt.stages.run import run
from maskopt.variants import VARIANTS

logger = logging.getLogger(__name__)


def main(params: Params) -> None:
    """Write the report of the networks that params name, as far as they were measured."""
    models = [(backbone, variant) for backbone in params.backbones for variant in VARIANTS]
    metrics = {model: read_record(paths.metrics(*model)) for model in models if paths.metrics(*model).is_file()}
    if not metrics:
        raise MissingFile(paths.METRICS, "run `dvc repro`")
    missing = [f"{backbone}/{variant}" for backbone, variant in models if (backbone, variant) not in metrics]
    if missing:
        logger.warning("not measured: %s", ", ".join(missing))
    latency = {model: read_record(paths.latency(*model)) for model in models if paths.latency(*model).is_file()}
    curves, layers, predictions, constants = (
        {model: pd.read_csv(path(*model)) for model in models if path(*model).is_file()}
        for path in (paths.curves, paths.layers, paths.predictions, paths.constants)
    )
    results = collect_results(metrics, latency, predictions)
    recall, held, skipped = collect_recall(metrics), list_bytes(constants, layers), list_skipped(layers)

    with replacing(paths.REPORT) as folder:
        folder.mkdir()
        numbers = {
            "table_1": tables.compare_with_paper(results, tables.TABLE_1, "raw_bytes"),
            "table_2": tables.compare_with_paper(results, tables.TABLE_2, "gzip_bytes"),
            "models": results,
            "recall": recall,
            "bytes": held,
            "skipped": skipped,
        }
        for name, frame in numbers.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        texts = {
            "table_1": tables.lay_out_table_1(results),
            "table_2": tables.lay_out_table_2(results),
            "models": tables.lay_out_models(results),
            "recall": tables.lay_out_recall(recall),
            "bytes": lay_out_bytes(results),
            "skipped": lay_out_skipped(skipped),
        }
        for name, text in texts.items():
            (folder / f"{name}.md").write_text(to_markdown(text), encoding="utf-8")
        figures = dict(draw_gallery(results, metrics, curves, predictions))
        for name, figure in figures.items():
            save(figure, folder / f"{name}.png")
        pictures = int(results["total"].max())
        starts, names = list_starts(metrics), [f"{name}.png" for name in figures]
        page = write_page(params.data.source, pictures, starts, missing, texts, names)
        (folder / "report.md").write_text(page, encoding="utf-8")
    logger.info("%s: %d models of %d networks", paths.REPORT / "report.md", len(metrics), len(params.backbones))


if __name__ == "__main__":
    run(main)
