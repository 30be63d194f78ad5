"""Sections, charts and pictures of a report -> one HTML page that needs nothing else."""

import base64
import json
import re
from collections.abc import Mapping

import pandas as pd
import vl_convert
from altair import SCHEMA_VERSION
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from maskopt.files import Record
from maskopt.report.html.charts import draw_charts
from maskopt.report.page import LONGEST_FIGURE, are_figures

TEMPLATE = "page.html.j2"
TOP = "top"  # of the page
NAMING = {  # section -> how many of its first columns name a row, where it is more than one
    **dict.fromkeys(["validation", "table_1", "table_2"], 2),
    **dict.fromkeys(["models", "recall", "bytes", "skipped", "extra", "robustness"], 3),
    "attributes": 5,
}
CHANGE_NAMING = 2
MOST_ROWS = 40  # of tables that are shown whole; longer ones scroll in a box
VEGA_LITE = ".".join(SCHEMA_VERSION.removeprefix("v").split(".")[:2])

_LINK = re.compile(r"\[([^]]+)]\([^#)][^)]*\)")  # to a file, not to a section


def write_html(
    report: Record,
    frames: Mapping[str, pd.DataFrame],
    images: Mapping[str, bytes],
    changes: tuple[str, pd.DataFrame],
    made: Mapping[str, str],
    params: str,
    notes: Mapping[str, str | None],
) -> str:
    """Return the page.

    Args:
        report: title, best model, introduction and sections, as the report stage writes them.
        frames: name -> table of numbers, for the charts.
        images: name of a section -> the JPEG file that belongs to its table.
        changes: Markdown: what differs from the last commit, and rows of text; maybe none.
        made: what was used -> which version of it.
        params: text of params.yaml.
        notes: `TOP` or the name of a chart -> what must be known to read all, or that, in Markdown.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=PackageLoader("maskopt.report.html", "")
    )
    sections = [
        each | {"prose": _to_html(each["prose"]), "table": _lay_out(each["table"], NAMING.get(each["name"], 1))}
        for each in report["sections"]
    ]
    said, changed = changes
    charts = [
        chart for chart in draw_charts(frames, report["best"]) if chart.after in [each["name"] for each in sections]
    ]
    return environment.get_template(TEMPLATE).render(
        title=report["title"],
        introduction=_to_html(report["introduction"]),
        sections=sections,
        images={name: base64.b64encode(image).decode() for name, image in images.items()},
        charts=charts,
        said_of_changes=_to_html(said),
        changes=_lay_out({"columns": list(changed.columns), "rows": changed.to_numpy(str).tolist()}, CHANGE_NAMING),
        made=_lay_out({"columns": ["what", "which"], "rows": [list(each) for each in made.items()]}, 1),
        longest_figure=LONGEST_FIGURE,
        most_rows=MOST_ROWS,
        params=params,
        notes={name: _to_html(note) for name, note in notes.items() if note},
        scripts=_script(vl_convert.javascript_bundle(vl_version=VEGA_LITE)),  # type: ignore[call-arg]
        specs=_data({chart.name: chart.spec for chart in charts}),
    )


def _lay_out(table: Record, naming: int) -> Record:
    """Return a table whose first `naming` columns are one, which stays in sight when a wide table is scrolled.

    `figures` tells of each other column whether it holds figures.
    """
    columns, *rows = ([", ".join(row[:naming]), *row[naming:]] for row in (table["columns"], *table["rows"]))
    figures = [are_figures(row[i] for row in rows) for i in range(1, len(columns))]
    return {"columns": columns, "rows": rows, "figures": figures}


def _to_html(text: str) -> Markup:
    """Return Markdown as HTML, links to files beside the report as their names: the page goes alone."""
    html = MarkdownIt("js-default").render(_LINK.sub(r"`\1`", text))
    return Markup(html)  # noqa: S704  this preset takes no HTML and no links to scripts


def _script(code: str) -> Markup:
    """Return JavaScript that does not end the element `script` it stands in."""
    return Markup(re.sub("</(?=script)", r"<\\/", code, flags=re.IGNORECASE))  # noqa: S704  ours alone


def _data(value: object) -> Markup:
    """Return JSON that does not end the element `script` it stands in, whatever its strings hold."""
    return Markup(json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704
