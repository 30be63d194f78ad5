"""`networks.<backbone>.weights` -> the weights its trunk starts from, and where they came from."""

from maskopt.params import Params
from maskopt.stages.run import run
from maskopt.stages.start import bring


def main(params: Params, backbone: str) -> None:
    """Write what a backbone starts from."""
    bring(params.networks[backbone].weights, backbone, params.networks[backbone].size_px, backbone)


if __name__ == "__main__":
    run(main)
