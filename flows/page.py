"""A report, and what git and DVC say of it -> the HTML page of it."""

import json
import os
import platform
import re
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from flows.clone import commit_of, differing
from flows.experiments import COMPARED
from flows.graph import Graph, ask_dvc, read_graph
from maskopt import paths
from maskopt.errors import MissingFile
from maskopt.files import read_record, replacing
from maskopt.report.html.page import TOP, write_html

Changes = Mapping[str, Mapping[str, float | None]]  # figure -> old, new, and diff where both are there

PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "dvc", "prefect")
FRAMES = ("models", "curves", "confusion")
NAMES = ("network", "variant", "format", "true", "predicted")  # texts, also where they are 1 or None
_CONFUSION = re.compile(r"(?P<format>formats\.[^.]+)\.confusion\.")


def make_page(workspace: Path) -> tuple[Path, str | None]:
    """Write the page; return where it is, and in what it is out of date, None if it is not.

    Raises:
        MissingFile: there is no report.
    """
    folder = workspace / paths.REPORT
    if not (folder / paths.SECTIONS).is_file():
        raise MissingFile(folder, "run `maskopt run`, which makes it")
    report = read_record(folder / paths.SECTIONS)
    names = [section["name"] for section in report["sections"]]
    graph, uncommitted = read_graph(workspace), differing(workspace)
    note = tell_if_out_of_date(graph)
    text = write_html(
        report,
        {name: read_frame(folder / f"{name}.csv") for name in FRAMES},
        {name: file.read_bytes() for name in names if (file := folder / f"{name}.jpg").is_file()},  # thumbnails
        list_changes(json.loads(ask_dvc(workspace, "metrics", "diff", "--json"))),
        _made(workspace, uncommitted),
        (workspace / paths.PARAMS).read_text(encoding="utf-8"),
        {TOP: note and f"Out of date: {note}.", "latency": tell_of_latency(graph, uncommitted)},
    )
    with replacing(workspace / paths.PAGE) as file:
        file.write_text(text, encoding="utf-8")
    return workspace / paths.PAGE, note


def read_frame(file: Path) -> pd.DataFrame:
    """Return a table of numbers of the report."""
    return pd.read_csv(file, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


def list_changes(files: Mapping[str, Changes]) -> pd.DataFrame | None:
    """Return text: accuracies and sizes that are others than in the last commit; None where classes are others.

    Args:
        files: path of metrics -> what has changed in it, as DVC tells it.
    """
    if any(_are_of_other_classes(changes) for changes in files.values()):
        return None
    rows = [
        (
            file.removeprefix(f"{paths.METRICS}/").removesuffix(".json"),
            name.removeprefix("formats."),
            *map(_text, found),
        )
        for file, changes in files.items()
        for name, change in changes.items()
        if COMPARED.search(name)
        for found in [(change["old"], change["new"], change.get("diff"))]
    ]
    return pd.DataFrame(rows, columns=["model", "figure", "last commit", "now", "difference"])


def tell_if_out_of_date(graph: Graph) -> str | None:
    """Return words where code, params or data are no longer those that the report is of."""
    changed = [name for name, stage in graph.items() if stage.changed]
    if not changed:
        return None
    return f"{len(changed)} stages have changed since they ran, the first of them {changed[0]}: run `maskopt run`"


def tell_of_latency(graph: Graph, uncommitted: Collection[Path]) -> str | None:
    """Return words where times may be of other files than those that are here, or of another machine.

    The figures name neither. DVC knows whether files have changed since they were timed, and git what it brought.

    Args:
        graph: with the stage that measures latency.
        uncommitted: files that are not as in the last commit.
    """
    if graph["latency"].changed:
        return "These times are of other files than those that are here now, or were taken in another way."
    if not any(file.is_relative_to(paths.LATENCY) for file in uncommitted):
        return (
            "These times are those of the last commit: taken on the machine where it was made, maybe not on this one."
        )
    return None


def _are_of_other_classes(changes: Changes) -> bool:
    """Tell whether a format that was there before and is now has counts of a class that is on one side alone."""
    one_sided = {name for name, change in changes.items() if None in (change["old"], change["new"])}
    counts = [found for name in one_sided if (found := _CONFUSION.match(name))]
    return any(f"{found['format']}.raw_bytes" not in one_sided for found in counts)


def _made(workspace: Path, uncommitted: Collection[Path]) -> dict[str, str]:
    changed = " and uncommitted changes" if uncommitted else ""
    return {
        "commit": commit_of(workspace) + changed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        **{name: version(name) for name in PACKAGES},
    }


def _text(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:,}" if isinstance(figure, int) else f"{figure:.4f}"
