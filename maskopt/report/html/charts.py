"""Frames of a report -> charts of Vega-Lite, each with what its reader may choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from maskopt.report.bytes import KINDS
from maskopt.report.results import REFERENCE
from maskopt.tflite.variants import VARIANTS

alt.data_transformers.disable_max_rows()  # a report has all its figures

CODECS = {"gzip": "gzip", "brotli": "brotli", "xz": "xz", "raw": "none"}
LATENCY = "median_ms_threads_1"
ALL = "all"
HEIGHT_PX = 340
LETTER_PX = 8  # of a label, and what keeps it from the next one
# Told apart by people who see colours differently too; on white and on black.
COLOURS = (
    *("#0077BB", "#EE7733", "#009988", "#CC3311", "#33BBEE", "#EE3377"),
    *("#999933", "#AA4499", "#DDAA33", "#888888", "#995522"),
)
VARIANT_COLOURS = alt.Scale(domain=list(VARIANTS), range=[COLOURS[i % len(COLOURS)] for i in range(len(VARIANTS))])
INK = "currentColor"  # of the page: light or dark
ACCURACY = alt.Y("accuracy:Q", scale=alt.Scale(zero=False), axis=alt.Axis(format=".1~%"), title="accuracy")
TOP = alt.Legend(orient="top", columns=0)
STROKES = alt.Legend(  # of a grey that shows on light and dark pages
    orient="top", columns=0, symbolType="stroke", symbolStrokeColor="#888", symbolStrokeWidth=2, symbolSize=500
)
MODEL = ["network:N", "variant:N", "format:N"]
FILLINGS = alt.Scale(type="ordinal", domain=["float32", "dynamic", "int8"], range=[0.3, 0, 1])  # opacity
FRONT = "the line joins those that no {} file beats. int8 is filled, dynamic is hollow, float32 is pale."
CHOSEN = " The best at the top was chosen on validation pictures; about test pictures, others may be right more often."


@dataclass(frozen=True)
class Choice:
    """Something that a reader can set."""

    name: str  # of the parameter in the chart
    label: str
    options: Mapping[str, str]  # value -> what is shown; the first is set at the start

    @property
    def parameter(self) -> alt.Parameter:
        """What the chart refers to."""
        return alt.param(name=self.name, value=next(iter(self.options)))


@dataclass(frozen=True)
class Chart:
    """A chart and what stands beside it."""

    name: str
    title: str
    says: str  # also for those who do not see it
    after: str  # name of the section that it stands behind
    spec: Mapping[str, Any]
    choices: Sequence[Choice]


def draw_charts(frames: Mapping[str, pd.DataFrame], best: tuple[str, str] | None) -> list[Chart]:
    """Return the charts of a report.

    Args:
        frames: name -> table of numbers: models, curves and confusion.
        best: network and variant that matrices show first; None: the first network, fine-tuned, and none was chosen.
    """
    models = frames["models"]
    confusion = _draw_confusion(frames["confusion"], *(best or (None, REFERENCE[0])))
    chosen = CHOSEN if best else ""
    charts = [_draw_sizes(models, chosen), _draw_bytes(models), _draw_curves(frames["curves"]), confusion]
    if models.get(LATENCY, pd.Series(dtype=float)).notna().any():
        charts.insert(1, _draw_latency(models, chosen))
    return charts


def _draw_sizes(models: pd.DataFrame, chosen: str) -> Chart:
    known = models[["network", "variant", "format", "accuracy", "accuracy_low", "accuracy_high"]]
    rows = pd.concat(known.assign(codec=codec, cost=models[f"{codec}_bytes"].astype(float)) for codec in CODECS)
    choices = [_network(models, all_too=True), _variant(models), Choice("codec", "Compressed by", CODECS)]
    spec = _draw_front(rows, "bytes", "~s", ",", choices, "datum.codec == codec")
    says = f"Accuracy on the test pictures against the size of the file; {FRONT.format('smaller')}{chosen}"
    return Chart("sizes", "Size against accuracy", says, "table_2", spec, choices)


def _draw_latency(models: pd.DataFrame, chosen: str) -> Chart:
    rows = models[["network", "variant", "format", "accuracy", "accuracy_low", "accuracy_high"]]
    rows = rows.assign(cost=models[LATENCY]).dropna(subset="cost")
    choices = [_network(models, all_too=True), _variant(models)]
    spec = _draw_front(rows, "median ms of one picture, one thread", "~g", ".2f", choices, "true")
    says = f"Accuracy on the test pictures against the time for one; {FRONT.format('faster')}{chosen}"
    return Chart("latency", "Latency against accuracy", says, "table_2", spec, choices)


def _draw_front(
    rows: pd.DataFrame, cost: str, ticks: str, format_: str, choices: Sequence[Choice], chosen: str
) -> Mapping[str, Any]:
    """Return accuracy against a cost on a logarithmic axis, with the front of what is shown."""
    shown = (
        alt.Chart(rows)
        .transform_filter(chosen)
        .transform_filter(f"network == '{ALL}' || datum.network == network")
        .transform_filter(f"variant == '{ALL}' || datum.variant == variant")
    )
    at = alt.X("cost:Q", scale=alt.Scale(type="log", nice=False, padding=20), axis=alt.Axis(format=ticks), title=cost)
    tooltip = [
        *MODEL,
        alt.Tooltip("accuracy:Q", format=".2%"),
        alt.Tooltip("accuracy_low:Q", format=".1%", title="from"),
        alt.Tooltip("accuracy_high:Q", format=".1%", title="to"),
        alt.Tooltip("cost:Q", format=format_, title=cost),
    ]
    cheapest_first: list[alt.SortField | dict[str, str]] = [
        alt.SortField("cost"),
        alt.SortField("accuracy", order="descending"),
    ]
    front = (
        shown.transform_window(best="max(accuracy)", sort=cheapest_first, frame=[None, 0])
        .transform_window(before="lag(best)", sort=cheapest_first)
        .transform_filter("!isValid(datum.before) || datum.accuracy > datum.before")
        .mark_line(interpolate="step-after", color=INK, opacity=0.5)
        .encode(at, ACCURACY, order="cost:Q")
    )
    spread = shown.mark_rule(opacity=0.35).encode(at, alt.Y("accuracy_low:Q"), y2="accuracy_high:Q", color=_colour())
    points = shown.mark_point(size=90, opacity=1).encode(
        at,
        ACCURACY,
        stroke=alt.Stroke("variant:N", scale=VARIANT_COLOURS),
        fill=alt.Fill("variant:N", scale=VARIANT_COLOURS),
        fillOpacity=alt.FillOpacity("format:O", scale=FILLINGS),  # Vega-Lite makes no legend of it
        shape=alt.Shape("network:N", legend=TOP),
        tooltip=tooltip,
    )
    return _finish(front + spread + points, choices)


def _draw_bytes(models: pd.DataFrame) -> Chart:
    names = models["variant"] + ", " + models["format"]
    rows = pd.concat(
        pd.DataFrame(
            {"network": models["network"], "model": names, "kind": kind, "bytes": models[column].astype(float)}
        )
        for column, kind in KINDS.items()
    )
    choices = [_network(models)]
    bars = (
        alt.Chart(rows)
        .transform_filter("datum.network == network")
        .mark_bar()
        .encode(
            alt.X("bytes:Q", axis=alt.Axis(format="~s"), title="bytes of the file"),
            alt.Y("model:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
            color=alt.Color("kind:N", scale=alt.Scale(range=list(COLOURS)), title=None, sort=list(KINDS.values())),
            tooltip=["model:N", "kind:N", alt.Tooltip("bytes:Q", format=",")],
        )
    )
    says = "Bytes of each file for weights, biases, scales and the graph."
    return Chart("bytes", "Bytes of each file", says, "bytes", _finish(bars, choices, height=480), choices)


def _draw_curves(curves: pd.DataFrame) -> Chart:
    measures = {"accuracy": "accuracy", "loss": "loss"}
    parts = [
        curves[["network", "variant"]].assign(
            epoch=curves["epoch"] + 1, measure=measure, pictures=side, value=curves[f"{head}{measure}"]
        )
        for measure in measures
        for head, side in (("val_", "validation"), ("", "training"))
    ]
    choices = [_network(curves), Choice("measure", "Measure", measures)]
    shown = (
        alt.Chart(pd.concat(parts))
        .transform_filter("datum.network == network && datum.measure == measure")
        .encode(
            alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1)),
            alt.Y("value:Q", scale=alt.Scale(zero=False), title=None),
            color=_colour(),
            tooltip=["variant:N", "pictures:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
        )
    )
    dash = alt.StrokeDash("pictures:N", sort=["validation", "training"], title=None, legend=STROKES)
    lines = shown.mark_line().encode(strokeDash=dash) + shown.mark_point(size=18, filled=True).encode(
        detail="pictures:N"
    )
    says = (
        "Accuracy or loss by epoch while each variant trains, on training and on validation pictures; the first seed."
    )
    return Chart("curves", "Training", says, "models", _finish(lines, choices), choices)


def _draw_confusion(confusion: pd.DataFrame, network: str | None, variant: str) -> Chart:
    last = confusion.groupby(["network", "variant"])["format"].transform("last")
    rows = confusion[confusion["format"] == last]
    rows = rows.assign(
        share=rows["pictures"] / rows.groupby(["network", "variant", "true"])["pictures"].transform("sum")
    )
    firsts = {"network": network, "variant": variant}
    choices = [
        Choice(name, name.capitalize(), {each: each for each in sorted(rows[name].unique(), key=lambda x: x != first)})
        for name, first in firsts.items()
    ]
    classes = rows["predicted"].unique()
    needed_px = LETTER_PX * max(map(len, classes)) * len(classes)
    turned = f"width < {needed_px}"
    labels = alt.Axis(
        labelAngle=alt.ExprRef(f"{turned} ? -40 : 0"),
        labelAlign=alt.ExprRef(f"{turned} ? 'right' : 'center'"),  # Vega-Lite's own would begin at the tick
        labelLimit=160,
    )
    at = (
        alt.Chart(rows)
        .transform_filter("datum.network == network && datum.variant == variant")
        .encode(
            alt.X("predicted:N", sort=None, title="predicted class", axis=labels),
            alt.Y("true:N", sort=None, title="true class", axis=alt.Axis(labelLimit=160)),
        )
    )
    share = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], range=["#F2F2F2", "#0077BB"]), legend=None)
    cells = at.mark_rect().encode(
        share, tooltip=["true:N", "predicted:N", "pictures:Q", alt.Tooltip("share:Q", format=".1%")]
    )
    dark = alt.condition("datum.share > 0.5", alt.value("white"), alt.value("#222222"))
    text = at.mark_text(fontSize=16).encode(text="pictures:Q", color=dark)
    says = "How many test pictures of each class get which answer, of the last format of a variant; the first seed."
    return Chart("confusion", "Confusion", says, "recall", _finish(cells + text, choices, height=260), choices)


def _network(rows: pd.DataFrame, all_too: bool = False) -> Choice:
    names = {name: name for name in rows["network"].unique()}
    return Choice("network", "Network", {ALL: ALL, **names} if all_too else names)


def _variant(rows: pd.DataFrame) -> Choice:
    return Choice("variant", "Variant", {ALL: ALL, **{name: name for name in rows["variant"].unique()}})


def _colour() -> alt.Color:
    return alt.Color("variant:N", scale=VARIANT_COLOURS)


def _finish(chart: alt.Chart | alt.LayerChart, choices: Sequence[Choice], height: int = HEIGHT_PX) -> Mapping[str, Any]:
    """Return what Vega-Lite reads: as wide as the page, in the colours of its text."""
    whole = (
        chart.add_params(*(choice.parameter for choice in choices))
        .properties(width="container", height=height)
        .configure(background="transparent", font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_mark(aria=False)  # the page says what the chart shows, and has the table
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            tickColor=INK,
            domainColor=INK,
            gridColor=INK,
            gridOpacity=0.12,
            labelFontSize=12,
            labelSeparation=LETTER_PX,
        )
        .configure_legend(
            labelColor=INK,
            titleColor=INK,
            symbolBaseFillColor=INK,
            symbolBaseStrokeColor=INK,
            symbolOpacity=1,
            orient="bottom",
            columns=alt.ExprRef("width < 500 ? 2 : 4"),
        )
    )
    spec: Mapping[str, Any] = whole.to_dict()
    return spec
