"""What a person sees on Prefect's page of a finished and of a failed run, in headless Chromium."""

import json
import re
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from maskopt import paths

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_MS = 60_000
FAST = {"prefect": {"retry_delay_seconds": 0.1}}
FINISHED = {
    "fetch": {"cmd": "echo 1 > fetch"},
    "shaky": {"cmd": "mkdir once || cat fetch > shaky; test -e shaky", "deps": ["fetch"], "meta": FAST},
    "validate": {"cmd": "cat fetch > validate", "deps": ["fetch"]},
    "report": {"cmd": "cat shaky validate > report", "deps": ["shaky", "validate"]},
}
FAILED = {
    "fetch": {"cmd": "echo 1 > fetch"},
    "bad": {"cmd": "echo what went wrong; exit 3", "deps": ["fetch"], "meta": FAST},
    "report": {"cmd": "cat bad > report", "deps": ["bad"]},
    "good": {"cmd": "cat fetch > good", "deps": ["fetch"]},
}
ARTIFACTS = ("table-1", "table-2", "size-against-accuracy", "curves-of-training", "report", "validation")
SIZE_PX = (640, 240)


@pytest.fixture
def page(browser, tmp_path):
    """A page that asks nobody outside of this machine; how it and what it opened looked at the end is in page*.png."""
    asked = []
    context = browser.new_context(viewport={"width": 1400, "height": 1200})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.on("request", lambda request: asked.append(request.url))
    context.on("page", lambda tab: tab.on("websocket", lambda socket: asked.append(socket.url)))
    opened = context.new_page()
    yield opened
    for number, tab in enumerate(context.pages):
        tab.screenshot(path=tmp_path / f"page{number}.png")
    context.close()
    asked = [urlsplit(url) for url in asked]
    assert {url.hostname for url in asked if url.scheme not in ("blob", "data")} == {"127.0.0.1"}


@pytest.fixture(scope="module")
def finished(served_once):
    """Return the address of a run that came to its end, with results to show."""
    workspace = served_once(FINISHED)
    write_results(workspace)
    return address(workspace.run("run"))


def write_results(workspace):
    """Write what the stages of the true graph would have left."""
    report = workspace.root / paths.REPORT
    report.mkdir(parents=True)
    for name in ("size_against_accuracy", "curves_small", "curves_large"):
        Image.new("RGB", SIZE_PX, "white").save(report / f"{name}.png")
    for name in ("table_1", "table_2"):
        (report / f"{name}.md").write_text(f"| network | accuracy |\n| --- | --- |\n| small | 97.53% in {name} |\n")
    (report / "report.md").write_text("# Report\n\nMeasured on 24 pictures.\n\n![curves](curves_small.png)\n")
    findings = [{"claim": "no file is empty", "holds": True, "stops": True, "rows": 0, "first": [], "got": None}]
    (workspace.root / paths.VALIDATION).mkdir(parents=True)
    (workspace.root / paths.VALIDATION / "result.json").write_text(json.dumps({"holds": True, "findings": findings}))


@pytest.fixture(scope="module")
def failed(served_once):
    """Return the address of a run of which a stage failed, with results of an earlier one still there."""
    workspace = served_once(FAILED)
    write_results(workspace)
    return address(workspace.run("run", fails=True))


def address(text):
    """Return where Prefect says that the run can be seen."""
    return re.search(r"View at (http://\S+)", text)[1]


def open_tab(page, run, name):
    page.goto(run)
    page.get_by_text(name, exact=True).last.click()


def open_artifact(page, run, name):
    open_tab(page, run, "Artifacts")
    page.locator(".artifact-card").get_by_text(name, exact=True).click()
    expect(page.get_by_role("button", name="Show raw data")).to_be_visible()


def follow(page, name):
    """Follow a link that opens a tab of its own, and return that."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name=name, exact=True).click()
    return opened.value


def states(page, run):
    """Return what the list of task runs says: name -> state."""
    open_tab(page, run, "Task Runs")
    rows = page.locator(".task-run-list-item")
    expect(rows).to_have_count(4)
    lines = [row.inner_text().split("\n") for row in rows.all()]
    return {name: state for name, state, *_ in lines}


def test_graph_of_a_run_shows_every_stage_and_what_it_stands_on(page, finished):
    with page.expect_response(re.compile("/graph-v2")) as answer:
        page.goto(finished)
    expect(page.locator("canvas").first).to_be_visible()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    nodes = {number: node for number, node in answer.value.json()["nodes"]}
    drawn = {node["label"]: {nodes[parent["id"]]["label"] for parent in node["parents"]} for node in nodes.values()}
    assert drawn == {name: set(block.get("deps", [])) for name, block in FINISHED.items()}


def test_servers_own_address_leads_to_the_run(page, finished):
    page.goto(finished.partition("/runs")[0])
    page.locator('a[href="/runs"]').first.click()
    expect(page.locator(f'a[href="{urlsplit(finished).path}"]').first).to_be_visible()


def test_retried_stage_can_be_told_from_the_others(page, finished):
    assert states(page, finished) == dict.fromkeys(FINISHED, "Completed") | {"shaky": "Retried"}
    page.get_by_role("link", name="shaky", exact=True).click()
    expect(page.get_by_text("Retry 1/1 will start")).to_be_visible()


def test_results_are_artifacts_by_name(page, finished):
    open_tab(page, finished, "Artifacts")
    for name in ARTIFACTS:
        expect(page.locator(".artifact-card").get_by_text(name, exact=True)).to_be_visible()


def test_table_leads_to_the_report_and_the_report_to_its_figures(page, finished):
    open_artifact(page, finished, "table-2")
    expect(page.get_by_role("cell", name="97.53% in table_2")).to_be_visible()
    report = follow(page, "The whole report")
    expect(report.get_by_text("Measured on 24 pictures.")).to_be_visible()
    expect(report.get_by_text("/data/report/report.md")).to_be_visible()
    figures = follow(report, "curves")
    expect(figures.get_by_role("img", name="curves_small")).to_be_visible()


def test_figures_of_one_kind_are_shown_together(page, finished):
    open_artifact(page, finished, "curves-of-training")
    for name in ("curves_small", "curves_large"):
        size = page.get_by_role("img", name=name).evaluate("img => [img.naturalWidth, img.naturalHeight]")
        assert tuple(size) == SIZE_PX


def test_validation_says_what_holds(page, finished):
    open_artifact(page, finished, "validation")
    expect(page.get_by_text("1 of 1 hold.")).to_be_visible()
    expect(page.get_by_role("row", name="yes no file is empty")).to_be_visible()


def test_failed_run_shows_what_failed_what_was_skipped_and_what_was_done(page, failed):
    expected = {"fetch": "Completed", "bad": "Failed", "report": "Skipped", "good": "Completed"}
    assert states(page, failed) == expected
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()


def test_failed_run_names_stage_and_command(page, failed):
    open_tab(page, failed, "Details")
    page.get_by_text("See More").click()
    message = page.get_by_text("stage bad failed: what went wrong")
    expect(message).to_contain_text("Repeat it alone: maskopt run --target bad")


def test_failure_is_an_artifact_with_its_line_breaks(page, failed):
    open_artifact(page, failed, "failure")
    lines = page.locator("pre").first.inner_text().splitlines()
    assert lines[:2] == ["stage bad failed; its last lines:", "  Running stage 'bad':"]
    assert "  what went wrong" in lines


def test_failed_run_shows_no_results_of_an_earlier_one(page, failed):
    open_tab(page, failed, "Artifacts")
    expect(page.locator(".artifact-card").get_by_text("failure", exact=True)).to_be_visible()
    expect(page.locator(".artifact-card")).to_have_count(1)


def test_skipped_stage_says_why(page, failed):
    open_tab(page, failed, "Task Runs")
    page.get_by_role("link", name="report", exact=True).click()
    expect(page.get_by_text("bad did not end well").first).to_be_visible()
