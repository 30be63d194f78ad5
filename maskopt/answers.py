"""Answers for pictures -> lines for people, JSON or CSV for programs; pictures that cannot be read are left out."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from maskopt.bundle.classifier import Answer
from maskopt.classifying import Said

DIGITS = 4
COLUMNS = ["path", "answer", "label", "confidence", "ms"]


def lay_out_lines(said: Sequence[Said]) -> Iterator[str]:
    """Yield a line per picture: what it shows, how sure the model is, milliseconds, path."""
    answers = _answers(said)
    width = max((len(answer.text) for _, answer in answers), default=0)
    for picture, answer in answers:
        yield f"{answer.text:{width}}  {answer.confidence:6.1%}  {answer.ms:6.1f} ms  {picture}"


def lay_out_json(said: Sequence[Said]) -> Iterator[str]:
    """Yield one text: a list of objects."""
    yield json.dumps([_record(*each) for each in _answers(said)], indent=2, ensure_ascii=False)


def lay_out_csv(said: Sequence[Said], classes: Sequence[str]) -> Iterator[str]:
    """Yield one text: names of columns, a row per picture, a column per class for its probability."""
    rows = [_record(*each) for each in _answers(said)]
    scores = pd.DataFrame([row["scores"] for row in rows], columns=list(classes))
    yield pd.concat([pd.DataFrame(rows, columns=COLUMNS), scores], axis=1).to_csv(index=False).rstrip("\n")


def _answers(said: Sequence[Said]) -> list[tuple[str, Answer]]:
    return [(str(picture), answer) for picture, answer in said if isinstance(answer, Answer)]


def _record(picture: str, answer: Answer) -> dict[str, Any]:
    return {
        "path": picture,
        "answer": answer.text,
        "label": answer.label,
        "confidence": round(answer.confidence, DIGITS),
        "ms": round(answer.ms, DIGITS),
        "scores": {name: round(score, DIGITS) for name, score in answer.scores.items()},
    }
