"""pruned model -> the same, trained while quantised, zeros kept."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques import pruning, quantization


def main(params: Params, backbone: str, seed: str) -> None:
    """Train with fake quantisation, the zeros kept."""
    branch = open_branch(params, backbone, "pqat", int(seed))
    model, curves = quantization.quantize(
        branch.load(), branch.trainer, params.quantize, preserve_sparsity=True, preserve_clusters=False
    )
    branch.save(
        model,
        curves,
        params.quantize.model_dump(),
        {"pruned": pruning.skip_reason, "quantised": quantization.skip_reason},
        final_sparsity=params.prune.final_sparsity,
    )


if __name__ == "__main__":
    run(main)
