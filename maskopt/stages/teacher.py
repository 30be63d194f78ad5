"""`teacher` of params -> a trained network, and its answers for views of the training pictures.

Nothing but a note where there is no teacher.
"""

import numpy as np

from maskopt import paths
from maskopt.files import read_record, replacing, write_record
from maskopt.params import Params
from maskopt.stages.shared.run import run


def main(params: Params, seed: str) -> None:
    """Train the teacher and write its logits for each batch that its students will see."""
    teacher = params.teacher
    with replacing(paths.teacher(int(seed))) as folder:
        folder.mkdir()
        if teacher is None:
            write_record(folder / paths.teacher_facts(int(seed)).name, {})
            return
        from maskopt.stages.teaching import teach  # noqa: PLC0415  TensorFlow, not needed without a teacher

        answers, accuracy = teach(params, teacher, int(seed))
        np.save(folder / paths.lesson(int(seed)).name, answers)
        start = read_record(paths.start_facts(paths.TEACHER))
        facts = {**teacher.model_dump(), **start, "val_accuracy": round(accuracy, 6)}
        write_record(folder / paths.teacher_facts(int(seed)).name, facts)


if __name__ == "__main__":
    run(main)
