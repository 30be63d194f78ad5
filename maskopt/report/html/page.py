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

TEMPLATE = "page.html.j2"
TOP = "top"  # of the page
NAMING = {  # section -> how many of its first columns name a row, where it is more than one
    **dict.fromkeys(["table_1", "table_2"], 2),
    **dict.fromkeys(["models", "recall", "bytes", "skipped", "extra", "robustness"], 3),
    "attributes": 5,
}
CHANGE_NAMING = 2
VEGA_LITE = ".".join(SCHEMA_VERSION.removeprefix("v").split(".")[:2])

_LINK = re.compile(r"\[([^]]+)]\([^)]+\)")


def write_html(
    report: Record,
    frames: Mapping[str, pd.DataFrame],
    images: Mapping[str, bytes],
    changes: pd.DataFrame | None,
    made: Mapping[str, str],
    params: str,
    notes: Mapping[str, str | None],
) -> str:
    """Return the page.

    Args:
        report: introduction and sections, as the report stage writes them.
        frames: name -> table of numbers, for the charts.
        images: name of a section -> the JPEG file that belongs to its table.
        changes: text: what differs from the last commit; None where nothing is comparable.
        made: what was used -> which version of it.
        params: text of params.yaml.
        notes: `TOP`, Markdown, or the name of a chart -> what must be known to read all, or that.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=PackageLoader("maskopt.report.html", "")
    )
    sections = [
        each | {"prose": _to_html(each["prose"]), "table": _name_rows(each["table"], NAMING.get(each["name"], 1))}
        for each in report["sections"]
    ]
    charts = [chart for chart in draw_charts(frames) if chart.after in [each["name"] for each in sections]]
    return environment.get_template(TEMPLATE).render(
        introduction=_to_html(report["introduction"]),
        sections=sections,
        images={name: base64.b64encode(image).decode() for name, image in images.items()},
        charts=charts,
        changes=None if changes is None else _name_rows(_to_record(changes), CHANGE_NAMING),
        made={"columns": ["what", "which"], "rows": [list(each) for each in made.items()]},
        params=params,
        top=_to_html(notes.get(TOP) or ""),
        notes=notes,
        scripts=_script(vl_convert.javascript_bundle(vl_version=VEGA_LITE)),  # type: ignore[call-arg]
        specs=_data({chart.name: chart.spec for chart in charts}),
    )


def _to_record(table: pd.DataFrame) -> Record:
    return {"columns": list(table.columns), "rows": table.to_numpy(str).tolist()}


def _name_rows(table: Record, naming: int) -> Record:
    """Return a table whose first `naming` columns are one, which stays in sight when a wide table is scrolled."""
    columns, *rows = ([", ".join(row[:naming]), *row[naming:]] for row in (table["columns"], *table["rows"]))
    return {"columns": columns, "rows": rows}


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
