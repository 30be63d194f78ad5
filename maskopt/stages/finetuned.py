"""baseline model -> all or the upper layers trained further."""

from maskopt.networks.backbones import freeze_below
from maskopt.params import Params
from maskopt.stages.shared.branch import open_branch
from maskopt.stages.shared.run import run


def main(params: Params, backbone: str, seed: str) -> None:
    """Fine-tune from the layer that params name."""
    branch = open_branch(params, backbone, "finetuned", int(seed))
    phase, first = params.networks[backbone].finetune, params.networks[backbone].trainable_from
    model = branch.load()
    freeze_below(model, first)
    curves = branch.trainer.fit(model, phase)
    branch.save(model, curves, phase.model_dump() | {"trainable_from": first})


if __name__ == "__main__":
    run(main)
