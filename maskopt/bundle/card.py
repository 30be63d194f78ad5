"""The description of a bundle -> the page that people read before they use the model."""

from collections.abc import Iterator

from maskopt.bundle.description import Description
from maskopt.bundle.micro import why_not

MORE = """\
## What is here

| file | what for |
| --- | --- |
| `model.tflite` | the model, for LiteRT |
| `model.json` | input, output, preprocessing, figures, hashes |
| `labels.txt` | the classes in the order of the outputs |
| `example.py` | how to use it in Python |
| `test_vectors.npz` | pictures that are noise, and the scores that the model must give them |
| `SHA256SUMS` | of each file: `sha256sum --check SHA256SUMS` names those that were changed |
| `web/` | a page that runs it: `cd web && npm install && npm start -- 8000`, then http://127.0.0.1:8000/web/ |
"""
MICRO = """\
| `micro/` | the model as a C array, its operators and its arena, for LiteRT Micro; a test vector to check it with |
"""


def write_card(about: str | None, model: Description) -> str:
    """Return Markdown: what the model is for, how it was made, how good it is.

    Args:
        about: what people say of its use, limits and licences; None where nobody has.
        model: of the bundle.
    """
    return "\n".join(
        [
            f"# {model.name}\n",
            f"Tells {', '.join(model.classes)}. {model.raw_bytes:,} bytes, gzipped {model.gzip_bytes:,}.\n",
            f"It learned from {model.pictures}. The figures below are of others of these pictures.\n",
            "## What it is for\n",
            about or "Nothing was said of its use, its limits and its licences (`data.about` in params.yaml).\n",
            *_figures(model),
            *_use(model),
            MORE + (MICRO if model.arena_bytes else ""),
            *_checks(model),
            *_licences(model),
            *_origin(model),
        ]
    )


def _figures(model: Description) -> Iterator[str]:
    figures = model.metrics
    low, high = (100 * figures[f"accuracy_{end}"] for end in ("low", "high"))
    yield "## How good it is\n"
    yield (
        f"On {figures['total']:,} test pictures, which were used for nothing else, with 95% intervals: right about "
        f"{figures['accuracy']:.2%} ({low:.1f} to {high:.1f}).\n"
    )
    yield "| class | recall | 95% interval |\n| --- | --- | --- |"
    for name in model.classes:
        if figures["recall"][name] is not None:
            low, high = (100 * figures[f"recall_{end}"][name] for end in ("low", "high"))
            yield f"| {name} | {figures['recall'][name]:.1%} | {low:.1f} to {high:.1f} |"
    yield ""
    yield f"Its probabilities are off by {figures['calibration_error']:.1%} on average. {_certainty(model)}\n"


def _certainty(model: Description) -> str:
    """Return what `choose_threshold` found, whose 0 and 1 mean all answers and none."""
    often = f"right about {100 * model.right_when_sure:g}% of the time or more"
    if model.unsure_below == 0:
        return f"No answer is shown as unsure: on the validation pictures all answers together were {often}."
    if model.unsure_below == 1:
        return (
            f"On the validation pictures not even the surest answers were {often}: whatever is less sure than 100% is "
            "shown as unsure."
        )
    return (
        f"Answers less sure than {model.unsure_below:.1%} are shown as unsure: {model.unsure_share:.1%} of those about "
        f"the validation pictures, of which the surer ones were {often}."
    )


def _use(model: Description) -> Iterator[str]:
    given = model.input
    yield "## How to use it\n"
    yield (
        f"Input: one upright RGB picture, (1, {given.height_px}, {given.width_px}, 3) {given.dtype}, 0 to 255; one "
        f"that is not square: {given.aspect}. Output: (1, {len(model.classes)}) {model.output.dtype}, probability = "
        f"(value - {model.output.zero_point}) * {model.output.scale:g}.\n"
    )
    yield f"Operators: {', '.join(model.operators)}."
    if model.arena_bytes:
        yield f"LiteRT Micro: an arena of {model.arena_bytes:,} bytes suffices."
    yield ""


def _licences(model: Description) -> Iterator[str]:
    yield "\n## Licences of what is here\n"
    yield "The code (`example.py`, `web/`, `micro/` but for the model) is of maskopt, Apache-2.0."
    yield "LiteRT.js, which `npm install` puts into `web/node_modules`, is Google's, Apache-2.0."
    weights = (model.origin or {}).get("weights")
    if weights == "imagenet":
        yield (
            "The weights were trained from those of ImageNet that Keras Applications publishes under Apache-2.0; "
            "ImageNet's pictures have licences of their own."
        )
    elif weights is None:
        yield "What the training of the weights started from is not known, nor are its licences."
    elif weights != "none":  # from random values
        yield f"The weights were trained from those of a file, `{weights}`, whose licence maskopt does not know."
    yield "For the pictures that the model learned from see what is said above."


def _checks(model: Description) -> Iterator[str]:
    yield (
        f"Scores of the test vectors may differ by {model.vectors_tolerance:g} elsewhere: processors add in another "
        "order.\n"
    )
    if reason := why_not(model.format, model.operators):
        yield f"There is no `micro/`, a C array for LiteRT Micro: {reason}.\n"


def _origin(model: Description) -> Iterator[str]:
    yield "\n## Where it came from\n"
    yield f"Seed {model.seed}, commit {model.commit or 'unknown'}, SHA-256 {model.sha256}."
    if model.origin:
        packages = ", ".join(f"{name} {version}" for name, version in model.origin["packages"].items())
        steps = " -> ".join(step["variant"] for step in model.origin["steps"])
        yield f"Trained in the steps {steps}, with {packages}. `maskopt show model.tflite` shows every setting."
    yield ""
