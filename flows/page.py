"""A report, and what git and DVC say of it -> the HTML page of it."""

import json
import os
import platform
import re
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from flows.clone import commit_of, differing
from flows.experiments import COMPARED
from flows.graph import Graph, ask_dvc, read_graph
from maskopt import paths
from maskopt.errors import MissingFile
from maskopt.files import Record, read_record, replacing
from maskopt.report.html.page import TOP, write_html

Changes = Mapping[str, Mapping[str, float | None]]  # figure -> old, new, and diff where both are there

PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "dvc", "prefect")
FRAMES = ("models", "curves", "confusion")
NAMES = ("network", "variant", "format", "true", "predicted")  # texts, also where they are 1 or None
COLUMNS = ["model", "figure", "last commit", "now", "difference"]
MOST_CHANGES = 5  # of each figure that is shown
SHOWN = {  # figure -> how it is written, how its difference is, and whether that is a share of what it was
    "accuracy": ("{:.2%}", "{:+.2f} points", False),
    "gzip_bytes": ("{:,}", "{:+.1f}%", True),
}
OTHER_CLASSES = "The figures of the last commit are of other classes: nothing is comparable."
TIME_HERE = "To take your own: `maskopt run --target latency --force` and `maskopt run`."
NO_CHANGES = "No accuracy and no size."
CHANGES = f"""\
Accuracies and sizes that are not as in the last commit: {{count:,}}, of {{models:,}} models; on one side alone:
{{alone:,}}. Shown are the largest changes of accuracy on the test pictures and of gzip bytes, {MOST_CHANGES} of each;
the others are left out, `dvc metrics diff` lists all. Training on another kind of processor is enough to change nearly
every figure a little.
"""
_CONFUSION = re.compile(r"(?P<format>formats\.[^.]+)\.confusion\.")


def make_page(workspace: Path) -> tuple[Path, str | None]:
    """Write the page; return where it is, and in what it is out of date, None if it is not.

    Raises:
        MissingFile: there is no report.
    """
    folder = workspace / paths.REPORT
    if not (folder / paths.SECTIONS).is_file():
        raise MissingFile(folder, "run `maskopt run`, which makes it")
    report = read_report(folder / paths.SECTIONS)
    names = [section["name"] for section in report["sections"]]
    graph, uncommitted = read_graph(workspace), differing(workspace)
    note = tell_if_out_of_date(graph)
    text = write_html(
        report,
        {name: read_frame(folder / f"{name}.csv") for name in FRAMES},
        {name: file.read_bytes() for name in names if (file := folder / f"{name}.jpg").is_file()},  # thumbnails
        tell_changes(json.loads(ask_dvc(workspace, "metrics", "diff", "--json"))),
        _made(workspace, uncommitted),
        (workspace / paths.PARAMS).read_text(encoding="utf-8"),
        {TOP: note and f"Out of date: {note}.", "latency": tell_of_latency(graph, uncommitted)},
    )
    with replacing(workspace / paths.PAGE) as file:
        file.write_text(text, encoding="utf-8")
    return workspace / paths.PAGE, note


def read_report(file: Path) -> Record:
    """Return what a report says; one that was made before it said what it is of, and the best model, names neither."""
    unknown: Record = {"title": "Report", "best": None}
    return unknown | read_record(file)


def read_frame(file: Path) -> pd.DataFrame:
    """Return a table of numbers of the report."""
    return pd.read_csv(file, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


def tell_changes(files: Mapping[str, Changes]) -> tuple[str, pd.DataFrame]:
    """Return in Markdown how many accuracies and sizes are others than in the last commit, and the largest as text.

    Args:
        files: path of metrics -> what has changed in it, as DVC tells it.
    """
    nothing = pd.DataFrame(columns=COLUMNS)
    if any(_are_of_other_classes(changes) for changes in files.values()):
        return OTHER_CLASSES, nothing
    changed = [
        (file.removeprefix(f"{paths.METRICS}/").removesuffix(".json"), name, change["old"], change["new"])
        for file, changes in files.items()
        for name, change in changes.items()
        if COMPARED.search(name)
    ]
    if not changed:
        return NO_CHANGES, nothing
    both = [(model, name, old, new) for model, name, old, new in changed if old is not None and new is not None]
    said = CHANGES.format(
        count=len(changed), models=len({model for model, *_ in changed}), alone=len(changed) - len(both)
    )
    return said, pd.DataFrame([row for figure in SHOWN for row in _list_largest(both, figure)], columns=COLUMNS)


def tell_if_out_of_date(graph: Graph) -> str | None:
    """Return words where code, params or data are no longer those that the report is of."""
    changed = [name for name, stage in graph.items() if stage.changed]
    if not changed:
        return None
    return f"{len(changed)} stages have changed since they ran, the first of them {changed[0]}: run `maskopt run`"


def tell_of_latency(graph: Graph, uncommitted: Collection[Path]) -> str | None:
    """Return words, in Markdown, where times may be of other files than those that are here, or of another machine.

    The figures name neither. DVC knows whether files have changed since they were timed, and git what it brought.

    Args:
        graph: with the stage that measures latency.
        uncommitted: files that are not as in the last commit.
    """
    if graph["latency"].changed:
        return f"These times are of other files than those that are here now, or were taken in another way. {TIME_HERE}"
    if not any(file.is_relative_to(paths.LATENCY) for file in uncommitted):
        return (
            "These times are those of the last commit: taken on the machine where it was made, maybe not on this one. "
            f"{TIME_HERE}"
        )
    return None


def _list_largest(changes: Iterable[tuple[str, str, float, float]], figure: str) -> list[tuple[str, ...]]:
    """Return rows of text, the largest change first; of model, name, old and new figure."""
    text, difference, relative = SHOWN[figure]
    found = [
        (100 * (new - old) / (old if relative else 1), model, name.removeprefix("formats."), old, new)
        for model, name, old, new in changes
        if re.fullmatch(rf"formats\.\w+\.{figure}", name)
    ]
    return [
        (model, name, text.format(old), text.format(new), difference.format(by))
        for by, model, name, old, new in sorted(found, key=lambda each: -abs(each[0]))[:MOST_CHANGES]
    ]


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
