""".tflite files of the whole run -> their latency. To be run alone: other work on the processor would show."""

import logging
from dataclasses import asdict

from maskopt import paths
from maskopt.files import write_record
from maskopt.measuring.latency import time_inference
from maskopt.measuring.litert import Classifier
from maskopt.params import Params
from maskopt.stages.shared.run import run
from maskopt.tflite.variants import VARIANTS

logger = logging.getLogger(__name__)


def main(params: Params) -> None:
    """Time each model file of the first seed with each number of threads; those of other seeds have the same graph."""
    for backbone in params.backbones:
        for variant in VARIANTS:
            formats = {name: _time(params, backbone, variant, name) for name in VARIANTS[variant].formats}
            write_record(paths.latency(backbone, variant), {"formats": formats})
        logger.info("%s: %d variants timed", backbone, len(VARIANTS))


def _time(params: Params, backbone: str, variant: str, file_format: str) -> dict[str, dict[str, float]]:
    path, settings = paths.tflite(backbone, variant, params.seeds[0], file_format), params.latency
    return {
        f"threads_{threads}": asdict(time_inference(Classifier(path, threads), settings.warmup_runs, settings.runs))
        for threads in settings.threads
    }


if __name__ == "__main__":
    run(main)
