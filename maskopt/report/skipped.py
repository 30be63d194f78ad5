"""Tables of layers -> what each technique skipped, with its share of the bytes."""

from collections.abc import Mapping

import pandas as pd

COLUMNS = ["network", "variant", "technique", "layer", "kind", "bytes", "share", "reason"]


def list_skipped(layers: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Return a row per network, variant, technique and layer that it skipped.

    Args:
        layers: (backbone, variant) -> frame of technique, layer, kind, bytes, and reason where it was skipped.
    """
    parts = []
    for (network, variant), frame in layers.items():
        share = frame["bytes"] / frame.groupby("technique")["bytes"].transform("sum")
        rows = frame.assign(network=network, variant=variant, share=share)
        parts.append(rows.loc[rows["reason"].notna(), COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def lay_out_skipped(skipped: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant, technique and reason."""
    groups = skipped.groupby(["network", "variant", "technique", "reason"], sort=False)
    rows = groups.agg(layers=("layer", "size"), bytes=("bytes", "sum"), share=("share", "sum")).reset_index()
    formats = {"layers": "{}", "bytes": "{:,}", "share": "{:.1%}"}
    texts = {name: rows[name].map(text.format).astype(str) for name, text in formats.items()}
    return rows.assign(**texts)[["network", "variant", "technique", "layers", "bytes", "share", "reason"]]
