"""The results of a run -> artifacts on its Prefect page."""

import base64
import json
from pathlib import Path

from prefect.artifacts import create_image_artifact, create_link_artifact, create_markdown_artifact

from maskopt import paths

TABLES = {"table-1": "Table 1: float models", "table-2": "Table 2: compressed models"}


def show_results(workspace: Path) -> None:
    """Publish what the report and the validation say; what is not there is left out."""
    report = workspace / paths.REPORT
    for key, title in TABLES.items():
        if (file := report / f"{key.replace('-', '_')}.md").is_file():
            create_markdown_artifact(f"# {title}\n\n{file.read_text(encoding='utf-8')}", key=key, description=title)
    for file in sorted(report.glob("*.png")):
        picture = base64.b64encode(file.read_bytes()).decode()
        title = file.stem.replace("_", " ")
        create_image_artifact(
            f"data:image/png;base64,{picture}", key=file.stem.replace("_", "-").lower(), description=title
        )
    if (page := report / "report.md").is_file():
        create_link_artifact(page.resolve().as_uri(), link_text=str(page), key="report", description="The report")
    if (result := workspace / paths.VALIDATION / "result.json").is_file():
        create_markdown_artifact(_validation(result), key="validation", description="Validation of the pictures")


def _validation(result: Path) -> str:
    content = json.loads(result.read_text(encoding="utf-8"))
    lines = [f"| {'yes' if f['holds'] else '**no**'} | {f['claim']} | {f['got']} |" for f in content["findings"]]
    return "\n".join(["# Validation of the pictures", "", "| holds | claim | found |", "| --- | --- | --- |", *lines])
