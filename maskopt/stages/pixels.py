"""raw and manifest -> pixels."""

from maskopt import paths
from maskopt.data.pixels import write_pixels
from maskopt.data.rows import read_manifest
from maskopt.params import Params
from maskopt.stages.shared.run import run


def main(params: Params) -> None:
    """Write one array per size."""
    targets = {size: paths.pixels(size) for size in params.pixels.sizes_px}
    write_pixels(read_manifest(paths.MANIFEST), paths.RAW, params.manifest.max_pixels, params.pixels.aspect, targets)


if __name__ == "__main__":
    run(main)
