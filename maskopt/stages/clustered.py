"""finetuned model -> few values in each layer."""

from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run
from maskopt.techniques.clustering import cluster, skip_reason


def main(params: Params, backbone: str, seed: str) -> None:
    """Cluster while fine-tuning."""
    branch = open_branch(params, backbone, "clustered", int(seed))
    model, curves = cluster(branch.load(), branch.trainer, params.cluster, preserve_sparsity=False)
    branch.save(
        model, curves, params.cluster.model_dump(), {"clustered": skip_reason}, n_clusters=params.cluster.n_clusters
    )


if __name__ == "__main__":
    run(main)
