"""pruned model -> few values in each layer, zero one of them."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques import clustering, pruning


def main(params: Params, backbone: str, seed: str) -> None:
    """Cluster while the zeros are kept."""
    branch = open_branch(params, backbone, "sparse_clustered", int(seed))
    model, curves = clustering.cluster(branch.load(), branch.trainer, params.cluster, preserve_sparsity=True)
    branch.save(
        model,
        curves,
        params.cluster.model_dump(),
        {"pruned": pruning.skip_reason, "clustered": clustering.skip_reason},
        final_sparsity=params.prune.final_sparsity,
        n_clusters=params.cluster.n_clusters,
    )


if __name__ == "__main__":
    run(main)
