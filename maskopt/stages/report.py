"""What is known of the run's models -> tables, figures and one page."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from maskopt import paths
from maskopt.data.rows import read_manifest, read_pictures, read_pixels
from maskopt.errors import BrokenRecord, MissingFile
from maskopt.files import read_record, replacing, write_record
from maskopt.params import Params
from maskopt.report import tables
from maskopt.report.attributes import lay_out_groups, list_groups
from maskopt.report.bytes import lay_out_bytes, list_bytes
from maskopt.report.canvas import save
from maskopt.report.choice import lay_out_validation, list_validation, name_best, say_choice
from maskopt.report.crossed import lay_out_label_problems, list_label_problems, measure_gain, say_gain
from maskopt.report.extra import lay_out_extra, list_extra
from maskopt.report.gallery import draw_gallery
from maskopt.report.leaks import MOST_PAIRS, draw_leaks, lay_out_leaks
from maskopt.report.page import DRAWN, entitle, introduce, list_sections, to_markdown, to_record, write_page
from maskopt.report.paper import Papers, comparable
from maskopt.report.results import (
    Frames,
    Models,
    SeedFrames,
    SeedModels,
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
from maskopt.report.thumbnails import MOST, Pictures
from maskopt.report.words import lay_out_words
from maskopt.stages.shared.run import run
from maskopt.tflite.variants import VARIANTS

Model = tuple[str, str, int]  # backbone, variant, seed
Sheets = Mapping[str, tuple[pd.DataFrame, pd.DataFrame | None]]  # name -> numbers, and as text if the page shows them
THUMBNAILS = {
    "suspects": "Test pictures that no model is right about",
    "label_problems": "Labels that may be wrong",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Records:
    """What the stages before have left, as far as it is there."""

    metrics: SeedModels
    predictions: SeedFrames
    latency: Models
    first: Models  # metrics of the first seed, as are the frames below
    curves: Frames
    layers: Frames
    constants: Frames
    answers: Frames  # predictions
    missing: Sequence[str]  # files of metrics


def main(params: Params) -> None:
    """Write the report of the networks that params name, as far as they were measured."""
    records = _read_records(params)
    results = collect_results(records.metrics, records.latency, records.predictions)
    shortcuts = list_shortcuts(read_record(paths.SHORTCUTS))
    together, parted = (read_pictures(paths.crossed(way)) for way in ("together", "parted"))
    leaks, tried = read_pictures(paths.leaks(params.seeds[0]), "other"), _read_tried(paths.SEARCH)
    paper = comparable(params.data.classes)
    split = read_record(paths.split_report(params.seeds[0]))
    val_pictures = {label: sides["val"] for label, sides in split["classes"].items()}
    sheets = {
        **_list_sheets(records, results, paper, shortcuts, tried),
        **_list_optional_sheets(records, together, leaks, tried, val_pictures),
    }
    said = introduce(
        say_choice(records.first, val_pictures, params.data.source == DRAWN),
        params.data.source,
        int(results["total"].max()),
        list_starts(records.metrics),
        params.seeds,
        records.missing,
        warn(shortcuts),
        split,
        say_gain(measure_gain(together, parted), params.cross_validation, params.seeds[0]) if len(together) else "",
    )
    title = entitle(params.data.classes)
    sections = list_sections({name: text for name, (_, text) in sheets.items() if text is not None}, bool(paper))
    with replacing(paths.REPORT) as folder:
        folder.mkdir()
        for name, (numbers, text) in sheets.items():
            numbers.to_csv(folder / f"{name}.csv", index=False)
            if text is not None:
                (folder / f"{name}.md").write_text(to_markdown(text), encoding="utf-8")
        figures = []
        for name, figure in _draw(records, results, sheets, max(params.pixels.sizes_px)):
            figures.append(name)
            save(figure, folder / name)
        (folder / "report.md").write_text(write_page(title, said, sections, figures), encoding="utf-8")
        page = {
            "title": title,
            "best": name_best(records.first, val_pictures),
            "introduction": said,
            "sections": [to_record(each) for each in sections],
        }
        write_record(folder / paths.SECTIONS, page)
    logger.info("%s: %d models of %d networks", paths.REPORT / "report.md", len(results), len(params.backbones))


def _read_tried(path: Path) -> pd.DataFrame:
    """Return what a search tried with the pictures that are here: none, if it saw others.

    Raises:
        BrokenRecord: it is not what a search writes: git may have put conflicts into it.
    """
    command = "maskopt search --max-kb KB"
    try:
        tried = pd.read_csv(path, dtype={"front": bool})
    except ValueError as err:  # of pandas, and not UTF-8
        raise BrokenRecord(path, str(err), command) from None
    for wanted in ("front", "pictures"):
        if wanted not in tried:
            raise BrokenRecord(path, f"want a column {wanted}, got {', '.join(map(str, tried))}", command)
    of_these = tried["pictures"] == hashlib.sha256(paths.MANIFEST.read_bytes()).hexdigest()
    if not of_these.all():
        logger.warning("%s: left out, of other pictures; `%s` tries with these", path, command)
    return tried[of_these]


def _read_records(params: Params) -> _Records:
    """Read all that belongs to single models.

    Raises:
        MissingFile: nothing was measured.
    """
    seeds = params.seeds
    models = [(backbone, variant, seed) for backbone in params.backbones for variant in VARIANTS for seed in seeds]
    metrics = {model: read_record(paths.metrics(*model)) for model in models if paths.metrics(*model).is_file()}
    if not metrics:
        raise MissingFile(paths.METRICS, "run `dvc repro`")
    missing = [str(paths.metrics(*model)) for model in models if model not in metrics]
    if missing:
        logger.warning("not measured: %s", ", ".join(missing))
    first = [model for model in models if model[-1] == seeds[0]]
    curves, layers, constants = (
        {model[:2]: pd.read_csv(file) for model in first if (file := path(*model)).is_file()}
        for path in (paths.curves, paths.layers, paths.constants)
    )
    latency = {model[:2]: read_record(file) for model in first if (file := paths.latency(*model[:2])).is_file()}
    measured = {model[:2]: metrics[model] for model in first if model in metrics}
    predictions = {
        model: read_pictures(file, *VARIANTS[model[1]].formats)
        for model in models
        if (file := paths.predictions(*model)).is_file()
    }
    answers = {model[:2]: predictions[model] for model in first if model in predictions}
    return _Records(metrics, predictions, latency, measured, curves, layers, constants, answers, missing)


def _list_sheets(
    records: _Records, results: pd.DataFrame, paper: Papers, shortcuts: pd.DataFrame, tried: pd.DataFrame
) -> Sheets:
    recall, skipped, words = collect_recall(records.metrics), list_skipped(records.layers), lay_out_words()
    return {
        "table_1": (
            tables.compare_with_paper(results, paper, tables.TABLE_1, "raw_bytes"),
            tables.lay_out_table_1(results, paper),
        ),
        "table_2": (
            tables.compare_with_paper(results, paper, tables.TABLE_2, "gzip_bytes"),
            tables.lay_out_table_2(results, paper),
        ),
        "models": (results, tables.lay_out_models(results)),
        "seeds": (collect_seeds(records.metrics), None),
        "recall": (recall, tables.lay_out_recall(recall)),
        "bytes": (list_bytes(records.constants, records.layers), lay_out_bytes(results)),
        "skipped": (skipped, lay_out_skipped(skipped)),
        "shortcuts": (shortcuts, lay_out_shortcuts(shortcuts)),
        "search": (tried, None),
        "curves": (list_curves(records.curves), None),
        "confusion": (list_confusion(records.first), None),
        "words": (words, words),
    }


def _list_optional_sheets(
    records: _Records, together: pd.DataFrame, leaks: pd.DataFrame, tried: pd.DataFrame, val_pictures: Mapping[str, int]
) -> Sheets:
    """Return those of which there are any rows in this run."""
    attributes = pd.read_csv(paths.ATTRIBUTES, dtype=str, keep_default_na=False)
    optional: dict[str, tuple[pd.DataFrame, Callable[[pd.DataFrame], pd.DataFrame]]] = {
        "validation": (list_validation(records.first, val_pictures), lay_out_validation),
        "front": (list_front(tried), lay_out_front),
        "leaks": (leaks, lay_out_leaks),
        "suspects": (list_suspects(records.predictions), lay_out_suspects),
        "label_problems": (list_label_problems(together), lay_out_label_problems),
        "extra": (list_extra(records.metrics), lay_out_extra),
        "attributes": (list_groups(records.predictions, attributes), lay_out_groups),
        "robustness": (list_robustness(records.metrics), lay_out_robustness),
    }
    return {name: (numbers, lay_out(numbers)) for name, (numbers, lay_out) in optional.items() if len(numbers)}


def _draw(records: _Records, results: pd.DataFrame, sheets: Sheets, size_px: int) -> Iterator[tuple[str, Figure]]:
    """Yield file name and figure; thumbnails are of the largest pictures there are, of `size_px`."""
    for name, figure in draw_gallery(results, records.first, records.curves, records.answers):
        yield f"{name}.png", figure
    tried, _ = sheets["search"]
    if len(tried):
        yield "search.png", draw_search(tried)
    for name, title in THUMBNAILS.items():
        if name in sheets:
            shown = sheets[name][0].head(MOST)
            yield f"{name}.jpg", draw_suspects(shown, _read_pixels(shown["path"], size_px), title)
    if "leaks" in sheets:
        shown = sheets["leaks"][0].head(MOST_PAIRS)
        first, second = (_read_pixels(shown[side], size_px) for side in ("path", "other"))
        yield "leaks.jpg", draw_leaks(shown, first, second)


def _read_pixels(names: "pd.Series[str]", size_px: int) -> Pictures:
    """Return (N, H, W, 3) of the N pictures of these paths."""
    rows = pd.Index(read_manifest(paths.MANIFEST)["path"]).get_indexer(names)
    pixels: Pictures = read_pixels(paths.pixels(size_px))[rows]
    return pixels


if __name__ == "__main__":
    run(main)
