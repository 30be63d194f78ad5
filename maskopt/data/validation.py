"""Manifest -> what Great Expectations finds, as a record and as a page."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from maskopt.data.documentation import render
from maskopt.data.expectations import REPORTED, make_suite
from maskopt.data.gx import (
    ExpectationSuite,
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    ProgressBarsConfig,
    get_context,
)
from maskopt.params import Data, Validation

PUBLISHED = Path(__file__).with_name("kaggle-manifest.csv")  # class, file, sha256 and size of each file of this:
PUBLISHED_DATASET = "vijaykumar1799/face-mask-detection"
NAMED = 5  # rows that a message names
RECORDED = 20  # rows that the record names

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """What came of one expectation."""

    claim: str
    holds: bool
    stops: bool  # the pipeline, where it does not hold
    rows: int  # that break it; 0 where it is about the whole table
    first: list[str]  # of those rows, with the value that breaks it
    got: int | None  # where it is about the whole table


@dataclass(frozen=True)
class Validated:
    """What came of all."""

    findings: list[Finding]
    page: str  # HTML

    @property
    def problems(self) -> list[str]:
        """What stops the pipeline, in words."""
        return [describe(finding) for finding in self.findings if finding.stops and not finding.holds]


def validate(manifest: pd.DataFrame, data: Data, bounds: Validation) -> Validated:
    """Return what came of the expectations that the params make; for the Kaggle set also of those on each file.

    Args:
        manifest: N rows.
        data: classes, rows per class and source.
        bounds: of the sides in px.
    """
    by_file = manifest.groupby("sha256")["label"]
    table = manifest.assign(labels_of_file=by_file.transform("nunique"))
    published = None
    if data.source == "kaggle" and data.kaggle_dataset == PUBLISHED_DATASET:
        facts = pd.read_csv(PUBLISHED, dtype=str)
        published = len(facts)
        known = dict(zip(facts["class"] + "/" + facts["file"], facts["sha256"], strict=True))
        table["as_published"] = table["path"].map(known) == table["sha256"]
    result = _run(table, make_suite(data.classes, data.rows_per_class, bounds, published))
    findings = [_find(one) for one in result.results]
    broken = [finding for finding in findings if not finding.holds]
    for finding in broken:
        if not finding.stops:
            logger.warning("%s", describe(finding))
    logger.info("%d of %d expectations hold", len(findings) - len(broken), len(findings))
    return Validated(findings, render(result, [describe(finding) for finding in broken]))


def describe(finding: Finding) -> str:
    """Return in words what does not hold, and for which rows."""
    if not finding.rows:
        return f"{finding.claim}: got {finding.got}"
    rest = f", and {finding.rows - NAMED} more" if finding.rows > NAMED else ""
    return f"{finding.claim}: {finding.rows} rows break this: {', '.join(finding.first[:NAMED])}{rest}"


def _run(table: pd.DataFrame, suite: ExpectationSuite) -> ExpectationSuiteValidationResult:
    context = get_context(mode="ephemeral")  # nothing is kept outside this process
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("folder").add_dataframe_asset("manifest")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": table})
    named = {"unexpected_index_column_names": ["path"], "return_unexpected_index_query": False}
    return batch.validate(suite, result_format={"result_format": "COMPLETE"} | named)


def _find(result: ExpectationValidationResult) -> Finding:
    config, facts = result.expectation_config, result.result
    if config is None:
        raise AssertionError("a result always has the expectation it is of")
    rows: Sequence[dict[str, Any]] = facts.get("unexpected_index_list") or []
    column = config.kwargs.get("column", "path")
    first = [row["path"] if column == "path" else f"{row['path']} ({row[column]})" for row in rows[:RECORDED]]
    stops = not config.meta.get(REPORTED, False)
    return Finding(str(config.notes), bool(result.success), stops, len(rows), first, facts.get("observed_value"))
