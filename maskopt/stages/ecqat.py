"""finetuned model -> weights at few levels, in training that pays for the bits of their code."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques import entropy


def main(params: Params, backbone: str, seed: str) -> None:
    """Fold batch-norm and train with weights at levels."""
    branch = open_branch(params, backbone, "ecqat", int(seed))
    model, curves, steps = entropy.code(branch.load(), branch.trainer, params.entropy)
    branch.save(model, curves, params.entropy.model_dump(), {"quantised": entropy.skip_reason}, steps=steps)


if __name__ == "__main__":
    run(main)
