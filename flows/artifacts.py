"""The results of a run -> artifacts on its Prefect page."""

import base64
import json
import platform
import re
import textwrap
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact

from maskopt import paths

REPORT, VALIDATE = "report", "validate"  # stages of dvc.yaml
TABLES = {"table_1": "Table 1: float models", "table_2": "Table 2: compressed models"}
FIGURES = {  # first word of a file's name -> what it shows; one artifact each, whatever the number of networks
    "size": "Size against accuracy",
    "curves": "Curves of training",
    "techniques": "Curves of techniques",
    "confusion": "Confusion matrices",
}
NAMED_ROWS = 5
_LINK = re.compile(r"!?\[(?P<text>[^]]*)]\((?P<file>[^)]+)\)")


def show_results(workspace: Path, stages: Collection[str]) -> None:
    """Publish what these stages have to show; what others have left is of an earlier run."""
    if REPORT in stages and (workspace / paths.REPORT).is_dir():
        _show_tables(workspace / paths.REPORT)
    if VALIDATE in stages and (result := workspace / paths.VALIDATION / "result.json").is_file():
        findings = json.loads(result.read_text(encoding="utf-8"))["findings"]
        _show("validation", "Validation of the pictures", validation_table(findings))


def show_failure(message: str) -> None:
    """Publish why a run failed, with its line breaks: the page shows the message of a state without them."""
    _show("failure", "What failed, and how to go on", textwrap.indent(message, "    "))


def with_links(text: str, links: Mapping[str, str]) -> str:
    """Return a page's Markdown with its links to files beside it turned into `links`, or into the bare names.

    Those to its sections become their text: a page of Prefect's has no such places.
    """

    def turned(link: re.Match[str]) -> str:
        if link["file"].startswith("#"):
            return link["text"]
        return f"[{link['text']}]({links[link['file']]})" if link["file"] in links else f"`{link['file']}`"

    return _LINK.sub(turned, text)


def validation_table(findings: list[Mapping[str, Any]]) -> str:
    """Return what came of each expectation as Markdown."""
    kept = sum(finding["holds"] for finding in findings)
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(finding)) + " |" for finding in findings]
    return "\n".join([f"{kept} of {len(findings)} hold.\n", "| holds | claim | found |", "| --- | --- | --- |", *rows])


def _cells(finding: Mapping[str, Any]) -> tuple[str, str, str]:
    verdict = "yes" if finding["holds"] else "**no**" if finding["stops"] else "no, only reported"
    found = "" if finding["got"] is None else str(finding["got"])
    if finding["rows"]:
        found = f"{finding['rows']} rows: {', '.join(finding['first'][:NAMED_ROWS])}"
    return verdict, finding["claim"], found


def _show_tables(report: Path) -> None:
    """Publish the tables, each with a link to the whole report."""
    links = _show_figures(report)
    page = _show_report(report / "report.md", links)
    for name, title in TABLES.items():
        text = (report / f"{name}.md").read_text(encoding="utf-8")
        _show(name.replace("_", "-"), title, f"{text}\n\n[The whole report]({page})")


def _show_figures(report: Path) -> dict[str, str]:
    """Publish the figures of each kind together; return file name -> link to where it is shown.

    As Markdown: the page of an image artifact writes the whole `data:` address below the image.
    """
    kinds: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(report.glob("*.png")):
        kinds[file.stem.partition("_")[0]].append(file)
    links = {}
    for kind, files in kinds.items():
        title = FIGURES.get(kind, kind)
        pictures = [
            f"![{file.stem}](data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()})" for file in files
        ]
        link = _show(title.replace(" ", "-").lower(), title, "\n\n".join(pictures))
        links.update({file.name: link for file in files})
    return links


def _show_report(page: Path, links: Mapping[str, str]) -> str:
    """Publish the report itself, and where it lies: a browser opens no file:// link on a server's page."""
    text = with_links(page.read_text(encoding="utf-8"), links)
    where = f"`{page.resolve()}` on {platform.node()}; there, `make report` opens it with charts"
    return _show("report", "The report", f"{where}\n\n{text}")


def _show(key: str, title: str, text: str) -> str:
    """Publish Markdown; return a link to it that other artifacts can hold."""
    return f"../artifact/{create_markdown_artifact(text, key=key, description=title)}"
