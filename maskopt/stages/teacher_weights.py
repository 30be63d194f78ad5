"""`teacher.weights` -> the weights that the teacher's trunk starts from."""

from maskopt import paths
from maskopt.params import Params
from maskopt.stages.shared.run import run
from maskopt.stages.start import bring, bring_nothing


def main(params: Params) -> None:
    """Write weights and source, as for each backbone; without a teacher, that there is nothing to start from."""
    teacher = params.teacher
    if teacher is None:
        bring_nothing(paths.TEACHER)
    else:
        bring(teacher.trunk, teacher.weights, teacher.size_px, paths.TEACHER)


if __name__ == "__main__":
    run(main)
