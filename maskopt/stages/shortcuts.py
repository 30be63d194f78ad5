"""manifest, pixels and groups -> how well file facts alone tell the classes."""

from dataclasses import asdict

from maskopt import paths
from maskopt.data.rows import read_manifest, read_pixels, read_split
from maskopt.files import write_record
from maskopt.params import Params
from maskopt.shortcuts import is_far_above, list_facts, probe
from maskopt.stages.shared.run import run

DIGITS = 4


def main(params: Params) -> None:
    """Write the accuracy of each fact, and chance: the share of the largest class."""
    manifest = read_manifest(paths.MANIFEST)
    groups = read_split(paths.split(params.seeds[0]))["group"]  # the same for all seeds
    pixels = read_pixels(paths.pixels(min(params.pixels.sizes_px)))
    chance = float(manifest["label"].value_counts(normalize=True).max())
    found = {}
    for name, shortcut in probe(list_facts(manifest, pixels), list(manifest["label"]), list(groups)).items():
        figures = {figure: round(value, DIGITS) for figure, value in asdict(shortcut).items()}
        found[name] = figures | {"far_above_chance": is_far_above(shortcut, chance)}
    write_record(paths.SHORTCUTS, {"chance": round(chance, DIGITS), "facts": found})


if __name__ == "__main__":
    run(main)
