"""clustered model -> the same, trained while quantised, values kept."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques import clustering, quantization


def main(params: Params, backbone: str, seed: str) -> None:
    """Train with fake quantisation, the clusters kept."""
    branch = open_branch(params, backbone, "cqat", int(seed))
    model, curves = quantization.quantize(
        branch.load(), branch.trainer, params.quantize, preserve_sparsity=False, preserve_clusters=True
    )
    branch.save(
        model,
        curves,
        params.quantize.model_dump(),
        {"clustered": clustering.skip_reason, "quantised": quantization.skip_reason},
        n_clusters=params.cluster.n_clusters,
    )


if __name__ == "__main__":
    run(main)
