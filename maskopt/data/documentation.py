"""Result of Great Expectations -> its Data Docs as one page that is the same each time and loads nothing."""

import html
import re
from collections.abc import Sequence

from maskopt.data.gx import DefaultJinjaPageView, ExpectationSuiteValidationResult, ValidationResultsPageRenderer

# Scripts, styles, logos and a newsletter: the page must read well without a network, and tell nobody that it is read.
ELSEWHERE = re.compile(
    r"""<script[^>]+src="http[^>]*></script>|<(?:link|img)[^>]+(?:src|href)="http[^>]*>|url\('http[^)]*\)"""
    r"|<footer>.*?</footer>",
    re.DOTALL,
)
RANDOM_ID = re.compile(r"-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STYLE = """<style>
body { font: 15px/1.5 sans-serif; margin: 2em; max-width: 75em }
table { border-collapse: collapse; margin: 1em 0 }
td, th { border-top: 1px solid #ccc; padding: .3em .8em; text-align: left; vertical-align: top }
.modal, nav, script, .cooltip, button { display: none }
</style>
</head>"""


def render(result: ExpectationSuiteValidationResult, broken: Sequence[str]) -> str:
    """Return the page; `result` loses the time of its run.

    Args:
        result: of the whole suite.
        broken: expectations that do not hold, in words, to put at the top.
    """
    result.meta = {"great_expectations_version": result.meta["great_expectations_version"]}
    page: str = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(result))  # type: ignore[no-untyped-call]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in broken) or "<li>everything holds</li>"
    top = f"<body>\n<h1>Validation of the pictures</h1>\n<ul>{items}</ul>"
    page = RANDOM_ID.sub("", ELSEWHERE.sub("", page))
    return page.replace("</head>", STYLE, 1).replace("<body>", top, 1)
