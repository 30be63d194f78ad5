"""What model files hold -> where their bytes are, and which techniques were at work there."""

import pandas as pd

from maskopt.report.results import Frames

COLUMNS = ["network", "variant", "format", "layer", "kind", "dtype", "shape", "bytes", "entropy_bytes", "techniques"]
KINDS = {"weight_bytes": "weights", "bias_bytes": "biases", "scale_bytes": "scales", "graph_bytes": "graph"}


def list_bytes(constants: Frames, layers: Frames) -> pd.DataFrame:
    """Return a row per network, variant, format and tensor.

    Args:
        constants: (backbone, variant) -> frame of `sizes.Constant` and format.
        layers: (backbone, variant) -> frame of technique, layer, and reason where the technique skipped it.
    """
    parts = []
    for (network, variant), rows in constants.items():
        known = _techniques(layers.get((network, variant)))
        keys = zip(rows["layer"], rows["kind"], strict=True)
        techniques = [known.get(layer, "") if kind == "weights" else "" for layer, kind in keys]
        parts.append(rows.assign(network=network, variant=variant, techniques=techniques)[COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def lay_out_bytes(results: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant and format, what its bytes are for."""
    texts = {title: results[column].map("{:,}".format) for column, title in KINDS.items()}
    return results[["network", "variant", "format"]].assign(**texts)


def _techniques(layers: pd.DataFrame | None) -> dict[str, str]:
    """Return the techniques that each layer went through."""
    if layers is None:
        return {}
    done = layers[layers["reason"].isna()].groupby("layer")["technique"].agg(", ".join)
    return {str(layer): techniques for layer, techniques in done.items()}
