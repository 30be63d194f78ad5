"""manifest -> result of the validation and Data Docs."""

from dataclasses import asdict

from maskopt import paths
from maskopt.data.rows import read_manifest
from maskopt.data.validation import validate
from maskopt.errors import InvalidData
from maskopt.files import replacing, write_record
from maskopt.params import Params
from maskopt.stages.shared.run import run


def main(params: Params) -> None:
    """Write what was found; stop here if the pictures are not what params expect."""
    validated = validate(read_manifest(paths.MANIFEST), params.data, params.validation)
    with replacing(paths.VALIDATION) as folder:
        docs = folder / "docs" / "index.html"
        docs.parent.mkdir(parents=True)
        docs.write_text(validated.page, encoding="utf-8")
        findings = [asdict(finding) for finding in validated.findings]
        write_record(folder / "result.json", {"holds": not validated.problems, "findings": findings})
    if validated.problems:
        raise InvalidData(validated.problems, paths.VALIDATION / "docs" / "index.html")


if __name__ == "__main__":
    run(main)
