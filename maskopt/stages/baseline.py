"""Start weights -> trained head on a frozen trunk, or a whole network trained from random weights."""

from maskopt import paths
from maskopt.backbones import trunk_of
from maskopt.frozen import fit_head
from maskopt.params import Params
from maskopt.stages.branch import open_branch
from maskopt.stages.run import run


def main(params: Params, backbone: str, seed: str) -> None:
    """Train the head; all layers where there are no weights to start from."""
    branch = open_branch(params, backbone, "baseline", int(seed))
    model, phase = branch.build(), params.networks[backbone].baseline
    if paths.trunk(backbone).is_file():
        trunk_of(model).load_weights(paths.trunk(backbone))
        curves = fit_head(model, branch.trainer, phase)
    else:
        curves = branch.trainer.fit(model, phase)
    branch.save(model, curves)


if __name__ == "__main__":
    run(main)
