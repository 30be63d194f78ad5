"""Tables of layers -> what each technique skipped, with its share of the bytes."""

from collections.abc import Mapping

import pandas as pd

from maskopt.variants import VARIANTS, Variant

COLUMNS = ["network", "variant", "layer", "kind", "bytes", "share", "techniques", "reason"]


def list_skipped(layers: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Return a row per network, variant and layer that a technique of the variant skipped.

    Args:
        layers: (backbone, variant) -> frame of layer, kind, bytes, reason, and a truth value for each
            technique that was tried: pruned, clustered, quantised.
    """
    parts = []
    for (network, variant), frame in layers.items():
        share = frame["bytes"] / frame["bytes"].sum()
        skipped = [_skipped_by(VARIANTS[variant], row) for row in frame.to_dict("records")]
        rows = frame.assign(network=network, variant=variant, share=share, techniques=skipped)
        parts.append(rows.loc[rows["techniques"] != "", COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def lay_out_skipped(skipped: pd.DataFrame) -> pd.DataFrame:
    """Return text: a row per network, variant, kind of layer and reason."""
    groups = skipped.groupby(["network", "variant", "techniques", "kind", "reason"], sort=False, dropna=False)
    rows = groups.agg(layers=("layer", "size"), bytes=("bytes", "sum"), share=("share", "sum")).reset_index()
    return pd.DataFrame(
        {
            "network": rows["network"],
            "variant": rows["variant"],
            "layers": rows["layers"].astype(str),
            "kind": rows["kind"],
            "bytes": [f"{count:,}" for count in rows["bytes"]],
            "share": [f"{share:.1%}" for share in rows["share"]],
            "not": rows["techniques"],
            "why": rows["reason"].fillna(""),
        }
    )


def _skipped_by(variant: Variant, layer: Mapping[object, object]) -> str:
    """Return the promises of the variant that do not reach the layer; quantisation after training reaches all."""
    promised = {"pruned": variant.sparse, "clustered": variant.clustered, "quantised": variant.quantised_in_training}
    return ", ".join(name for name, is_promised in promised.items() if is_promised and not layer.get(name, True))
