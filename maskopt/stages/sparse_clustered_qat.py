"""sparse clustered model -> the same, trained while quantised, nothing kept: the paper's QAT."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques.quantization import quantize, skip_reason


def main(params: Params, backbone: str, seed: str) -> None:
    """Train with fake quantisation, as the paper's column QAT."""
    branch = open_branch(params, backbone, "sparse_clustered_qat", int(seed))
    model, curves = quantize(
        branch.load(),
        branch.trainer,
        params.quantize,
        preserve_sparsity=False,
        preserve_clusters=False,
    )
    branch.save(model, curves, params.quantize.model_dump(), {"quantised": skip_reason})


if __name__ == "__main__":
    run(main)
