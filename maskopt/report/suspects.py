"""Pictures that are too hard, or labelled wrongly; people must look: those that every model of a run gets wrong.

Shape legend: N pictures, H height px, W width px.
"""

from pathlib import PurePosixPath

import pandas as pd
from matplotlib.figure import Figure

from maskopt.report.results import SeedFrames
from maskopt.report.thumbnails import Pictures, draw_thumbnails
from maskopt.tflite.variants import VARIANTS


def list_suspects(predictions: SeedFrames) -> pd.DataFrame:
    """Return a row per picture that all models were asked about and none was right: path, label, said, models.

    `said` is the most frequent answer, `models` how many files were asked.
    """
    answers = [
        rows.set_index("path")[name]
        for (_, variant, _), rows in predictions.items()
        for name in VARIANTS[variant].formats
    ]
    if not answers:
        return pd.DataFrame(columns=["path", "label", "said", "models"])
    labels = next(iter(predictions.values())).set_index("path")["label"]
    said = pd.concat(answers, axis=1, join="inner")
    wrong = said[said.ne(labels.loc[said.index], axis=0).all(axis=1)]
    return pd.DataFrame(
        {
            "path": wrong.index,
            "label": labels.loc[wrong.index].to_numpy(),
            "said": [row.mode().iloc[0] for _, row in wrong.iterrows()],
            "models": len(answers),
        }
    ).sort_values("path", ignore_index=True)


def lay_out_suspects(suspects: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per picture."""
    return suspects[["path", "label", "said"]].rename(columns={"said": "what models say most"})


def draw_suspects(suspects: pd.DataFrame, pictures: Pictures, title: str) -> Figure:
    """Return thumbnails with name, label and what was said, from (N, H, W, 3) of the same rows."""
    captions = [
        f"{PurePosixPath(row['path']).name}\n{row['label']}\n-> {row['said']}" for row in suspects.to_dict("records")
    ]
    return draw_thumbnails(pictures, captions, f"{title}: file, label -> what was said")
