"""finetuned model -> the smallest weights of each layer at zero."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques.pruning import prune, skip_reason


def main(params: Params, backbone: str, seed: str) -> None:
    """Prune while fine-tuning."""
    branch = open_branch(params, backbone, "pruned", int(seed))
    model, curves = prune(branch.load(), branch.trainer, params.prune)
    branch.save(
        model, curves, params.prune.model_dump(), {"pruned": skip_reason}, final_sparsity=params.prune.final_sparsity
    )


if __name__ == "__main__":
    run(main)
