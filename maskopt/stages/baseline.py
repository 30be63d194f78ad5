"""Start weights -> trained head on a frozen trunk, or a whole network trained from random weights."""

from maskopt import paths
from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.training.frozen import fit_baseline


def main(params: Params, backbone: str, seed: str) -> None:
    """Train the head; all layers where there are no weights to start from."""
    branch = open_branch(params, backbone, "baseline", int(seed))
    phase = params.networks[backbone].baseline
    curves = fit_baseline(branch.model, branch.trainer, phase, paths.trunk(backbone))
    branch.save(branch.model, curves, phase.model_dump())


if __name__ == "__main__":
    run(main)
