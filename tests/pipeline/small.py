"""The smallest params with which each stage still does its work."""

from typing import Any

PICTURES_PER_CLASS = 24


def shrink(params: Any, backbones: list[str], size_px: int) -> None:
    """Change params in place: few pictures, one epoch each, the given backbones from random weights."""
    params["data"] |= {"source": "sample", "rows_per_class": PICTURES_PER_CLASS}
    params["pixels"]["sizes_px"] = [size_px]
    params["backbones"] = backbones
    phase = {"epochs": 1, "learning_rate": 0.001}
    network = {"size_px": size_px, "weights": "none", "baseline": phase, "finetune": phase, "trainable_from": None}
    params["networks"] = {name: {"trunk": trunk_of(name), **network} for name in backbones}
    params["search"]["networks"] = list(backbones)
    params["training"]["batch_size"] = 8
    for section in ("prune", "cluster", "quantize", "entropy"):
        params[section] |= phase
    params["convert"]["representative_pictures"] = 8
    params["latency"] |= {"warmup_runs": 1, "runs": 3}


def trunk_of(architecture: str) -> dict[str, Any]:
    """Return the section of a trunk as it was published."""
    return {"architecture": architecture, "width": 1, "depth": 1, "until": None}
