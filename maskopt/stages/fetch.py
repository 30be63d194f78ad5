"""source -> raw."""

from maskopt import paths
from maskopt.data.source import fetch
from maskopt.params import Params
from maskopt.stages.shared.run import run


def main(params: Params) -> None:
    """Put the pictures where the other stages expect them."""
    fetch(params.data, params.sample, paths.RAW)


if __name__ == "__main__":
    run(main)
