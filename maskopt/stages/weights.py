"""`networks.<backbone>.weights` -> the weights its trunk starts from, and where they came from."""

from maskopt.params import Params
from maskopt.stages.shared.run import run
from maskopt.stages.start import bring


def main(params: Params, backbone: str) -> None:
    """Write what a backbone starts from."""
    weights, size_px = params.networks[backbone].weights, params.networks[backbone].size_px
    bring(params.networks[backbone].trunk, weights, size_px, backbone)


if __name__ == "__main__":
    run(main)
