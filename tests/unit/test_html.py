"""The page of HTML of an invented report: whole, safe, and with charts of what there is."""

import io
import itertools
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from PIL import Image

from maskopt.report.html.charts import FILLINGS, draw_charts
from maskopt.report.html.page import MOST_ROWS, NAMING, TOP, write_html
from maskopt.report.page import SECTIONS as ALL_SECTIONS
from maskopt.report.tables import lay_out_models
from maskopt.tflite.variants import VARIANTS

HOSTILE = "</script><img src=x onerror=alert(1)>"
EVIL = f"net{HOSTILE}"
SECTIONS = ("table_2", "models", "recall", "bytes", "suspects")
WIDE = ["network", "variant", "format", "gzip bytes", *(f"a column {i}" for i in range(20))]
TABLES = {
    "models": {
        "columns": WIDE,
        "rows": [
            ["small", variant, "int8", size, *["no difference shown"] * 20]
            for variant, size in (("qat", "9,000"), ("pqat", "-"), ("cqat", "10,000"), ("pcqat", "800"))
        ],
    }
}
EMPTY = {"title": "Report", "best": None, "introduction": "", "sections": []}
NO_CHANGES = "Nothing.", pd.DataFrame()
NOTE, STALE = "Timed elsewhere: run `maskopt`.", "Out of date: run `maskopt run`."
CHARTS = ["sizes", "latency", "curves", "confusion", "bytes"]


def models():
    rows = [
        {
            "network": network,
            "variant": variant,
            "format": "int8",
            "accuracy": 0.9,
            "accuracy_low": 0.85,
            "accuracy_high": 0.95,
            "median_ms_threads_1": 1.5,
            **dict.fromkeys(["gzip_bytes", "brotli_bytes", "xz_bytes", "raw_bytes"], size_bytes),
            **dict.fromkeys(["weight_bytes", "bias_bytes", "scale_bytes", "graph_bytes"], 250),
        }
        for network in ("small", EVIL)
        for variant, size_bytes in (("finetuned", 104_000), ("qat", 18_000))
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def frames():
    curves = models()[["network", "variant"]].assign(epoch=0, accuracy=0.5, val_accuracy=0.4, loss=1.0, val_loss=1.1)
    confusion = models()[["network", "variant", "format"]].assign(true="cat", predicted="dog", pictures=3)
    return {"models": models(), "curves": curves, "confusion": confusion}


@pytest.fixture
def page(frames):
    def section(name, title):
        table = TABLES.get(name, {"columns": ["word", "accuracy"], "rows": [["small", "97.5%"], [EVIL, "-"]]})
        return {"name": name, "title": title, "prose": "See [x.csv](x.csv) and *this*.\n", "table": table}

    report = {
        "title": f"Report: cat, {HOSTILE}",
        "best": ["small", "qat"],
        "introduction": f"Measured on 24 pictures of {HOSTILE}. See [All](#models).\n",
        "sections": [section(name, name.replace("_", " ").capitalize()) for name in SECTIONS],
    }
    rows = [["seed-0/small/qat", "int8.accuracy", "90.00%", "89.00%", "-1.00 points"]]
    changes = "Largest: `accuracy`.", pd.DataFrame(rows, columns=list("abcde"))
    made = {"commit": "abc", "dvc": "3.67.1"}
    return write_html(
        report, frames, {"suspects": b"png"}, changes, made, f"seeds: [0] # {HOSTILE}", {"latency": NOTE, TOP: STALE}
    )


class _Reader(HTMLParser):
    """Collects what a browser would fetch, and each script."""

    def __init__(self):
        super().__init__()
        self.fetched, self.scripts, self.tags, self._script = [], [], [], False

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self._script = tag == "script"
        if tag == "script":
            self.scripts.append("")
            self.fetched += [given["src"]] if "src" in given else []
        if tag in ("img", "link"):
            self.fetched.append(given.get("src") or given.get("href"))
        assert not any(name.startswith("on") for name in given)

    def handle_data(self, data):
        if self._script:
            self.scripts[-1] += data

    def handle_endtag(self, _):
        self._script = False


def read(page):
    reader = _Reader()
    reader.feed(page)
    return reader


def test_page_fetches_nothing(page):
    assert all(url.startswith("data:") for url in read(page).fetched)
    assert len(page) < 5_000_000


def test_text_of_the_data_stays_text(page):
    reader = read(page)
    assert reader.tags.count("script") == 3
    assert reader.tags.count("img") == 1  # that of the suspects
    assert "&lt;/script&gt;" in page


def test_page_holds_tables_changes_and_how_it_was_made(page):
    assert '<h2 id="table_2">Table 2</h2>' in page
    assert '<th scope="row">small</th><td class="figure">97.5%</td>' in page
    assert "<p>See <code>x.csv</code> and <em>this</em>.</p>" in page
    assert '<a href="#models">All</a>' in page
    assert '<th scope="row">seed-0/small/qat, int8.accuracy</th><td class="figure">90.00%</td>' in page
    assert '<h2 id="changes">What changed since the last commit</h2>\n  <p>Largest: <code>accuracy</code>.</p>' in page
    assert '<th scope="row">commit</th><td>abc</td>' in page
    assert "seeds: [0]" in page
    assert "<title>Report: cat, &lt;/script&gt;" in page
    assert "<h1>Report: cat, &lt;/script&gt;" in page


def test_figures_are_to_the_right_and_versions_to_the_left(page):
    assert '<td class="figure">-1.00 points</td>' in page
    assert '<th scope="col" class="figure"><button type="button">e</button></th>' in page
    assert '<th scope="row">dvc</th><td>3.67.1</td>' in page


def test_charts_are_those_whose_sections_are_there(page):
    assert set(json.loads(read(page).scripts[1])) == set(CHARTS)
    assert re.findall(r'id="(\w+)-chart"', page) == CHARTS


def test_note_stands_at_its_chart(page):
    (caption,) = re.findall(r'<figcaption id="says-latency">(.*?)</figcaption>', page, re.DOTALL)
    assert '<div role="note"><p>Timed elsewhere: run <code>maskopt</code>.</p>' in caption
    assert page.count("Timed elsewhere") == 1


def test_note_on_the_whole_page_stands_before_all_else(page, frames):
    assert (
        page.index("<h1>")
        < page.index('<div role="note"><p>Out of date: run <code>maskopt run</code>.</p>')
        < page.index("Measured on 24 pictures")
    )
    assert 'role="note"' not in write_html(EMPTY, frames, {}, NO_CHANGES, {}, "", {TOP: None})


def test_nothing_changed_is_no_table(frames):
    page = write_html(EMPTY, frames, {}, NO_CHANGES, {}, "", {})
    assert "<p>Nothing.</p>" in page
    assert 'aria-label="What changed"' not in page


def test_chart_without_its_section_is_not_drawn(frames):
    nothing = write_html(EMPTY, frames, {}, NO_CHANGES, {}, "", {})
    assert "-chart" not in "".join(re.findall(r'id="([^"]+)"', nothing))


def test_each_choice_is_a_parameter_of_its_chart(frames):
    for chart in draw_charts(frames, None):
        given = {param["name"]: param["value"] for param in chart.spec["params"]}
        assert given == {choice.name: next(iter(choice.options)) for choice in chart.choices}


def test_formats_differ_in_more_than_colour():
    assert {name for variant in VARIANTS.values() for name in variant.formats} == set(FILLINGS.domain)
    assert len(set(FILLINGS.range)) == len(FILLINGS.domain)


def test_row_of_a_model_is_named_in_one_cell(page):
    assert set(NAMING) <= set(ALL_SECTIONS)
    assert '<th scope="row">small, qat, int8</th><td class="figure">9,000</td>' in page
    assert '<button type="button">network, variant, format</button>' in page


def test_latency_is_drawn_where_it_was_measured(frames):
    assert "latency" in [chart.name for chart in draw_charts(frames, None)]
    frames["models"] = frames["models"].drop(columns="median_ms_threads_1")
    assert "latency" not in [chart.name for chart in draw_charts(frames, None)]


@pytest.mark.parametrize("best", [("small", "qat"), None])
def test_fronts_say_that_other_pictures_chose_the_best_where_there_is_one(frames, best):
    said = [
        chart.name
        for chart in draw_charts(frames, best)
        if "The best at the top was chosen on validation pictures" in chart.says
    ]
    assert said == (["sizes", "latency"] if best else [])


@pytest.mark.parametrize(
    ("best", "first"), [((EVIL, "qat"), [EVIL, "qat"]), (None, ["small", "finetuned"])], ids=["named", "none"]
)
def test_confusion_opens_on_the_best_model_or_the_fine_tuned_one(frames, best, first):
    before = models().assign(variant="baseline").drop_duplicates("network")
    confusion = pd.concat([before, models()])[["network", "variant", "format"]]
    frames["confusion"] = confusion.assign(true="cat", predicted="dog", pictures=3)
    (chart,) = [chart for chart in draw_charts(frames, best) if chart.name == "confusion"]
    assert [param["value"] for param in chart.spec["params"]] == first


DRAWN = "[...document.querySelectorAll('.chart')].every(chart => chart.dataset.drawn)"
WIDEST = "Math.max(...[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().right))"
PAPER_PX = 380  # narrower than any screen here
SCREENS = {"wide": (1280, 900), "phone": (390, 800)}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_page_in_a_browser_is_drawn_asks_nobody_and_keeps_nobody_out(page, browser, axe, tmp_path, scheme, screen):
    (tmp_path / "report.html").write_text(page)
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    tab, said, asked = context.new_page(), [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto((tmp_path / "report.html").as_uri())
    tab.wait_for_function(DRAWN)
    points = tab.locator("#sizes-chart .mark-symbol path")
    before = points.count()
    tab.focus("[data-for=sizes] [data-parameter=network]")
    tab.keyboard.press("ArrowDown")  # from all networks to the first
    tab.wait_for_function(f"document.querySelectorAll('#sizes-chart .mark-symbol path').length < {before}")
    tab.screenshot(path=tmp_path / "page.png", full_page=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(WIDEST) <= width
    tab.emulate_media(media="print")
    # As when it is printed: measured before a chart can follow.
    assert tab.evaluate(f"document.documentElement.style.width = '{PAPER_PX}px', {WIDEST}") <= PAPER_PX
    tab.evaluate("document.documentElement.style.width = ''")
    tab.emulate_media(media="screen")
    assert not said
    assert asked == [(tmp_path / "report.html").as_uri()]
    tab.evaluate(axe)
    found = tab.evaluate("axe.run()")["violations"]
    assert not [each for each in found if each["impact"] in ("serious", "critical")], found
    context.close()


def open_page(browser, tmp_path, page, screen):
    (tmp_path / "report.html").write_text(page)
    width, height = SCREENS[screen]
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.goto((tmp_path / "report.html").as_uri())
    tab.wait_for_function(DRAWN)
    return tab


@pytest.mark.slow
def test_tables_are_sorted_by_keyboard(page, browser, tmp_path):
    tab = open_page(browser, tmp_path, page, "wide")
    section = tab.locator("section", has=tab.locator("#models"))
    names, heading = section.locator("tbody th"), section.locator("thead th").nth(1)
    orders = []
    for _ in range(2):
        heading.locator("button").press("Enter")
        shown = [name.split(", ")[1] for name in names.all_inner_texts()]
        orders.append((heading.get_attribute("aria-sort"), shown))
    assert orders == [
        ("ascending", ["pcqat", "qat", "cqat", "pqat"]),
        ("descending", ["pqat", "cqat", "qat", "pcqat"]),
    ]
    section.locator("thead th").nth(0).locator("button").press("Space")
    assert [name.split(", ")[1] for name in names.all_inner_texts()] == ["cqat", "pcqat", "pqat", "qat"]
    assert section.locator("[aria-sort]").count() == 1
    tab.close()


@pytest.mark.slow
def test_name_of_a_row_stays_in_sight_on_a_phone(page, browser, tmp_path):
    tab = open_page(browser, tmp_path, page, "phone")
    table = tab.locator("section", has=tab.locator("#models")).locator(".table")
    table.evaluate("table => { table.scrollLeft = 1000 }")
    name, around = table.locator("tbody th").first.bounding_box(), table.bounding_box()
    assert around["x"] <= name["x"] <= around["x"] + 2
    assert name["width"] < around["width"] / 2
    tab.focus("section:has(#models) thead th:nth-child(3) button")
    focused = tab.locator(":focus").bounding_box()
    assert name["x"] + name["width"] <= focused["x"]  # what has the focus is not behind it
    tab.close()


@pytest.mark.slow
@pytest.mark.parametrize(("screen", "turned"), [("wide", 0), ("phone", 3)])
def test_names_under_a_confusion_matrix_are_turned_where_they_would_overlap(frames, browser, tmp_path, screen, turned):
    classes = ["with_mask", "without_mask", "mask_weared_incorrect"]
    rows = [("small", "qat", "int8", true, said, 3) for true in classes for said in classes]
    frames["confusion"] = pd.DataFrame(rows, columns=frames["confusion"].columns)
    section = {"name": "recall", "title": "", "prose": "", "table": TABLES["models"]}
    report = EMPTY | {"sections": [section]}
    tab = open_page(browser, tmp_path, write_html(report, frames, {}, NO_CHANGES, {}, "", {}), screen)
    names = tab.locator("#confusion-chart .mark-text.role-axis-label text")
    assert names.and_(tab.locator("[transform*=rotate]")).count() == turned
    # Turned ones end at their tick, others have it in their middle.
    assert names.first.get_attribute("text-anchor") == ("end" if turned else "middle")
    tab.close()


def sectioned(name, columns, rows):
    table = {"columns": columns, "rows": rows}
    return EMPTY | {"sections": [{"name": name, "title": "", "prose": "", "table": table}]}


@pytest.mark.parametrize(("rows", "kind"), [(MOST_ROWS, "table"), (MOST_ROWS + 1, "table long")])
def test_long_tables_alone_scroll_in_a_box(frames, rows, kind):
    page = write_html(sectioned("words", ["word"], [["a"]] * rows), frames, {}, NO_CHANGES, {}, "", {})
    assert re.findall('<div class="(table.*?)"', page) == [kind, "table"]  # the other is how it was made


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "whole"), [(MOST_ROWS, True), (MOST_ROWS + 1, False)])
def test_frame_is_as_large_as_its_table(frames, browser, tmp_path, rows, whole):
    report = sectioned("words", ["word", "meaning"], [["a", "b"]] * rows)
    tab = open_page(browser, tmp_path, write_html(report, frames, {}, NO_CHANGES, {}, "", {}), "wide")
    frame = tab.locator("section:has(#words) .table")
    around, table = frame.bounding_box(), frame.locator("table").bounding_box()
    assert table["width"] <= around["width"] <= table["width"] + 20  # with room for a scroll bar
    assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth")
    assert (around["height"] >= table["height"]) == whole
    tab.close()


@pytest.mark.slow
def test_shadow_on_a_phone_tells_that_there_is_more_to_the_right(page, browser, tmp_path):
    tab = open_page(browser, tmp_path, page, "phone")
    table, edges = tab.locator("section:has(#models) .table"), []
    for end in (0, 10**6):
        table.evaluate("(table, end) => { table.scrollLeft = end }", end)
        shown = Image.open(io.BytesIO(table.screenshot())).convert("L")
        edges.append(shown.getpixel((shown.width - 3, shown.height // 2)))
    assert edges[0] < edges[1] - 20
    tab.close()


@pytest.mark.slow
def test_megabytes_of_the_paper_are_sorted_among_bytes(frames, browser, tmp_path):
    sizes = ["8.55 MB of 2^20", "92,368 bytes", "2.06 MB, 98.94%", "2,060,001 bytes, 99%", "8,960,000 bytes", "-"]
    report = sectioned("table_1", ["network", "figures", "float size"], [["a", "b", size] for size in sizes])
    tab = open_page(browser, tmp_path, write_html(report, frames, {}, NO_CHANGES, {}, "", {}), "wide")
    tab.locator("thead button").nth(1).press("Enter")
    assert tab.locator("section:has(#table_1) tbody td").all_inner_texts() == [
        *("92,368 bytes", "2.06 MB, 98.94%", "2,060,001 bytes, 99%", "8,960,000 bytes", "8.55 MB of 2^20", "-")
    ]
    tab.close()


@pytest.mark.slow
def test_gzip_bytes_of_all_models_are_in_sight(frames, browser, tmp_path):
    rows = models().assign(network="mobilenet_v2_035", variant="sparse_clustered_qat", gzip_bytes=10**6)
    for name in ("accuracy_sd", "difference_points", "difference_low", "difference_high", "difference_sd"):
        rows[name] = -0.01
    for name in ("macro_f1", "macro_f1_sd", "calibration_error", "calibration_error_sd", "sparsity"):
        rows[name] = 0.5
    for name in ("entropy_bytes", "macs", "parameters", "peak_activation_bytes", "max_values_per_channel"):
        rows[name] = 10**6
    table = lay_out_models(rows.assign(difference_p_value=0.12))
    report = sectioned("models", list(table.columns), table.to_numpy(str).tolist())
    tab = open_page(browser, tmp_path, write_html(report, frames, {}, NO_CHANGES, {}, "", {}), "wide")
    around = tab.locator("section:has(#models) .table").bounding_box()
    size = tab.locator("th", has_text="gzip bytes").bounding_box()
    assert size["x"] + size["width"] <= around["x"] + around["width"]
    tab.close()


LABELS = """[...document.querySelectorAll('.role-axis-label')].map(axis => [...axis.querySelectorAll('text')]
    .filter(label => label.getAttribute('opacity') !== '0').map(label => label.getBoundingClientRect()))"""


@pytest.mark.slow
def test_labels_of_ticks_do_not_touch_on_a_phone(page, browser, tmp_path):
    tab = open_page(browser, tmp_path, page, "phone")
    for axis in tab.evaluate(LABELS):
        for first, second in itertools.pairwise(axis):
            beside = first["top"] < second["bottom"] and second["top"] < first["bottom"]
            assert not beside or second["left"] - first["right"] >= 5, (first, second)
    tab.close()


@pytest.mark.slow
def test_sheets_of_thumbnails_do_not_glare_on_a_dark_page(page, browser, tmp_path):
    tab = open_page(browser, tmp_path, page, "phone")
    filters = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        filters.append(tab.locator("img").evaluate("img => getComputedStyle(img).filter"))
    assert filters == ["none", "brightness(0.8)"]
    tab.close()
