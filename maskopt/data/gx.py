"""The one place that imports Great Expectations: it takes seconds, and must not report usage."""

import logging
import os
import warnings
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # for versions that report usage; 1.24 has nothing that could
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of modules of Python that it imports
    from great_expectations import ExpectationSuite, get_context
    from great_expectations import expectations as _expectations
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.row_conditions import Column
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

gxe: Any = _expectations  # without types: it does not say what it exports
for _name in ("great_expectations", "great_expectations.data_context.types.base"):  # the second asks for more itself
    logging.getLogger(_name).setLevel(logging.WARNING)

__all__ = [
    "Column",
    "DefaultJinjaPageView",
    "Expectation",
    "ExpectationSuite",
    "ExpectationSuiteValidationResult",
    "ExpectationValidationResult",
    "ProgressBarsConfig",
    "ValidationResultsPageRenderer",
    "get_context",
    "gxe",
]
