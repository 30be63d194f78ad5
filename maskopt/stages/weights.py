"""`networks.<backbone>.weights` -> the weights its trunk starts from, and where they came from."""

import logging

from maskopt import paths
from maskopt.params import Params
from maskopt.records import write_record
from maskopt.stages.run import run

logger = logging.getLogger(__name__)


def main(params: Params, backbone: str) -> None:
    """Write weights and source; only the source where the network starts from random values."""
    source = params.networks[backbone].weights
    facts = {"weights": source}
    if source != "none":
        from maskopt.weights import fingerprint, load_weights  # noqa: PLC0415  TensorFlow, not needed for none

        trunk = load_weights(backbone, source, params.networks[backbone].size_px)
        facts["weights_sha256"] = fingerprint(trunk)
        paths.start_weights(backbone).mkdir(parents=True, exist_ok=True)
        trunk.save_weights(paths.trunk(backbone))
    write_record(paths.start_facts(backbone), facts)
    logger.info("%s starts from %s", backbone, facts)


if __name__ == "__main__":
    run(main)
