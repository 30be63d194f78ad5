"""baseline model -> all or the upper layers trained further."""

from maskopt.backbones import freeze_below
from maskopt.params import Params
from maskopt.stages.branch import open_branch
from maskopt.stages.run import run


def main(params: Params, backbone: str, seed: str) -> None:
    """Fine-tune from the layer that params name."""
    branch = open_branch(params, backbone, "finetuned", int(seed))
    model = branch.load("baseline")
    freeze_below(model, params.networks[backbone].trainable_from)
    curves = branch.trainer.fit(model, params.networks[backbone].finetune)
    branch.save(model, curves)


if __name__ == "__main__":
    run(main)
