"""Answers for pictures -> lines for people, JSON or CSV for programs, which say what cannot be read, too."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from maskopt.bundle.classifier import UNSURE, Answer
from maskopt.classifying import Said
from maskopt.terminal import inline

DIGITS = 4
COLUMNS = ["path", "answer", "label", "confidence", "ms", "error"]


def lay_out_lines(said: Sequence[Said], unsure_below: float) -> Iterator[str]:
    """Yield a line per picture that can be read: what it shows, how sure the model is, milliseconds, path.

    Args:
        said: pictures and answers.
        unsure_below: confidence under which an answer is unsure, in [0, 1].
    """
    answers = [(picture, answer) for picture, answer in said if isinstance(answer, Answer)]
    told = [inline(answer.label if answer.is_sure else f"{UNSURE}: {answer.label}") for _, answer in answers]
    enough = ["" if answer.is_sure else f", under {unsure_below:.1%}" for _, answer in answers]
    width, beside = (max(map(len, column), default=0) for column in (told, enough))
    for (picture, answer), text, under in zip(answers, told, enough, strict=True):
        sureness = f"{answer.confidence:6.1%}{under:{beside}}"
        yield f"{text:{width}}  {sureness}  {answer.ms:6.1f} ms  {inline(picture)}"


def lay_out_unreadable(said: Sequence[Said]) -> Iterator[str]:
    """Yield how many pictures cannot be read, and a line for each with the reason; nothing if all can."""
    unreadable = [f"{inline(picture)}: {inline(reason)}" for picture, reason in said if isinstance(reason, str)]
    if unreadable:
        yield f"{len(unreadable)} of {len(said)} cannot be read:"
        yield from unreadable


def lay_out_json(said: Sequence[Said]) -> Iterator[str]:
    """Yield one text: a list of objects; those of pictures that cannot be read hold path and error alone."""
    text = json.dumps([_record(*each) for each in said], indent=2, ensure_ascii=False)
    yield "".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text)


def lay_out_csv(said: Sequence[Said], classes: Sequence[str]) -> Iterator[str]:
    """Yield one text: names of columns, a row per picture, a column per class for its probability."""
    rows = [_record(*each) for each in said]
    scores = pd.DataFrame([row.get("scores", {}) for row in rows], columns=list(classes))
    yield pd.concat([pd.DataFrame(rows, columns=COLUMNS), scores], axis=1).to_csv(index=False).rstrip("\n")


def _record(picture: Path, answer: Answer | str) -> dict[str, Any]:
    if isinstance(answer, str):
        return {"path": str(picture), "error": answer}
    return {
        "path": str(picture),
        "answer": answer.text,
        "label": answer.label,
        "confidence": round(answer.confidence, DIGITS),
        "ms": round(answer.ms, DIGITS),
        "scores": {name: round(score, DIGITS) for name, score in answer.scores.items()},
    }
