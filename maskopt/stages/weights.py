"""`networks.<backbone>.weights` -> the weights its trunk starts from, and where they came from."""

import logging
from pathlib import Path

from maskopt import paths
from maskopt.errors import WrongWeights
from maskopt.files import replacing
from maskopt.params import Params
from maskopt.records import write_record
from maskopt.stages.run import run

logger = logging.getLogger(__name__)


def main(params: Params, backbone: str) -> None:
    """Write weights and source; only the source where the network starts from random values."""
    source = params.networks[backbone].weights
    if source not in ("none", "imagenet") and not Path(source).resolve().is_relative_to(paths.INCOMING.resolve()):
        raise WrongWeights(Path(source), backbone, f"it is not in {paths.INCOMING}, where DVC sees a file change")
    facts = {"weights": source}
    with replacing(paths.start_weights(backbone)) as folder:
        folder.mkdir()
        if source != "none":
            from maskopt.weights import fingerprint, load_weights  # noqa: PLC0415  TensorFlow, not needed for none

            trunk = load_weights(backbone, source, params.networks[backbone].size_px)
            facts["weights_sha256"] = fingerprint(trunk)
            trunk.save_weights(folder / paths.trunk(backbone).name)
        write_record(folder / paths.start_facts(backbone).name, facts)
    logger.info("%s starts from %s", backbone, facts)


if __name__ == "__main__":
    run(main)
