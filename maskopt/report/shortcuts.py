"""How well file facts tell the classes -> a table, and a warning where they tell too much."""

from typing import Any

import pandas as pd


def list_shortcuts(record: dict[str, Any]) -> pd.DataFrame:
    """Return numbers: a row per fact, with chance, and whether it is far above chance."""
    rows = record["facts"].items()
    return pd.DataFrame({"fact": name, **figures, "chance": record["chance"]} for name, figures in rows)


def lay_out_shortcuts(shortcuts: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per fact."""
    return pd.DataFrame(
        {
            "what is known": row["fact"],
            "tells the class (95%)": f"{row['accuracy']:.1%} ({row['accuracy_low']:.1%} to {row['accuracy_high']:.1%})",
            "chance": f"{row['chance']:.1%}",
        }
        for row in shortcuts.to_dict("records")
    )


def warn(shortcuts: pd.DataFrame) -> str:
    """Return what readers must know, nothing where no fact is far above chance."""
    far = shortcuts[shortcuts["far_above_chance"]]
    if far.empty:
        return ""
    named = ", ".join(f"{row['fact']} {row['accuracy']:.1%}" for row in far.to_dict("records"))
    return (
        f"**Warning:** file facts alone tell the class far more often than chance: {named}. A network can be right for "
        "that reason, and wrong on pictures of another source.\n"
    )
