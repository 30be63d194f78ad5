"""What a student is asked for, and the views for which its teacher has answered."""

import json
from dataclasses import replace

import numpy as np
import pytest

from maskopt import paths
from maskopt.networks.keras import keras, tf
from maskopt.params import Phase, Teacher, load_params
from maskopt.stages import teacher as teacher_stage
from maskopt.stages.start import bring_nothing
from maskopt.training.distillation import Crossentropy, accuracy

LABELS = np.eye(3, dtype=np.float32)[[0, 2]]
LOGITS = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.5]], np.float32)
ANSWERS = np.array([[4.0, 1.0, 0.0], [0.0, 0.0, 3.0]], np.float32)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def test_loss_of_labels_alone_is_keras_own():
    ours = Crossentropy(0.1, 0.7, 3.0)(LABELS, LOGITS)
    keras_own = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)(LABELS, LOGITS)
    assert float(ours) == float(keras_own)


def test_loss_with_answers_is_that_of_the_paper():
    hard = -(LABELS * log_softmax(LOGITS)).sum(axis=1)
    soft = -(np.exp(log_softmax(ANSWERS / 3)) * log_softmax(LOGITS / 3)).sum(axis=1)
    loss = Crossentropy(0.0, 0.7, 3.0)(np.concatenate([LABELS, ANSWERS], axis=1), LOGITS)
    assert float(loss) == pytest.approx(np.mean(0.3 * hard + 0.7 * 9 * soft), rel=1e-5)


def test_accuracy_is_about_the_labels():
    targets = np.concatenate([LABELS, ANSWERS], axis=1)
    assert accuracy(tf.constant(targets), tf.constant(LOGITS)).numpy().tolist() == [1, 0]
    assert accuracy(tf.constant(LABELS), tf.constant(LOGITS)).numpy().tolist() == [1, 0]


@pytest.fixture
def student(toy):
    """Taught two views of each picture: the answer to a batch is its number."""
    steps = 2 * toy.steps_per_epoch
    lesson = np.broadcast_to(np.arange(steps, dtype=np.float32)[:, None, None], (steps, 16, 3))
    return replace(toy, lesson=np.ascontiguousarray(lesson))


def test_answers_stay_with_their_views_for_as_long_as_asked(student):
    seen = [[part.numpy() for part in batch] for batch in student.train_batches(5, taught=True)]
    views = [[part.numpy() for part in batch] for batch in student.lesson_batches(2)]
    assert len(seen) == 5 * student.steps_per_epoch
    for images, targets, weights in seen:
        of = views[int(targets[0, 3])]
        np.testing.assert_array_equal(images, of[0])
        np.testing.assert_array_equal(targets[:, :3], of[1])
        np.testing.assert_array_equal(weights, of[2])
    assert {int(targets[0, 3]) for _, targets, _ in seen} == set(range(len(views)))


def test_views_are_those_of_any_stream_and_resolution(student):
    flat = np.repeat(np.repeat(student.train.pixels, 2, axis=1), 2, axis=2)
    larger = replace(student, stream="other", train=replace(student.train, pixels=flat))
    for (small, labels, _), (large, same, _) in zip(student.lesson_batches(1), larger.lesson_batches(1), strict=True):
        np.testing.assert_array_equal(labels, same)
        np.testing.assert_allclose(tf.image.resize(large, small.shape[1:3], "area"), small, atol=0.15)


def test_student_learns_what_its_teacher_says(toy, build_linear):
    """The teacher calls each class by the name of the next."""
    views = list(toy.lesson_batches(2))
    wrong = np.stack([8 * np.roll(labels, 1, axis=1) for _, labels, _ in views]).astype(np.float32)
    model = build_linear()
    replace(toy, lesson=wrong).fit(model, Phase(epochs=6, learning_rate=0.05, distillation=1.0))
    said = model(toy.preprocessing(tf.constant(toy.val.pixels, tf.float32))).numpy().argmax(axis=1)
    assert (said == (toy.val.labels + 1) % 3).mean() > 0.9


@pytest.fixture
def workspace(toy, tmp_path, monkeypatch):
    """Params and pictures of a run as far as the teacher needs them."""
    loaded = load_params(paths.PARAMS)
    monkeypatch.chdir(tmp_path)
    paths.SPLITS.mkdir(parents=True)
    paths.PIXELS.mkdir()
    classes = loaded.data.classes
    sides = [("train", toy.train), ("val", toy.val)]
    lines = [f"{i}.png,{classes[label]},{side}" for side, part in sides for i, label in enumerate(part.labels)]
    paths.split(0).write_text("\n".join(["path,label,split", *lines]))
    pixels = np.concatenate([part.pixels for _, part in sides])
    np.save(paths.pixels(16), np.repeat(np.repeat(pixels, 2, axis=1), 2, axis=2))
    training = loaded.training.model_copy(update={"batch_size": 16})
    return loaded.model_copy(update={"training": training})


def test_stage_without_a_teacher_leaves_a_note(workspace):
    teacher_stage.main(workspace, "0")
    assert json.loads(paths.teacher_facts(0).read_text()) == {}
    assert not paths.lesson(0).exists()


def test_stage_leaves_answers_for_each_batch(workspace):
    phase = Phase(epochs=1, learning_rate=0.01)
    teacher = Teacher(
        trunk={"architecture": "separable", "width": 1, "depth": 1, "until": None},
        views=3,
        size_px=16,
        weights="none",
        baseline=phase,
        finetune=phase,
        trainable_from=None,
    )
    bring_nothing(paths.TEACHER)
    teacher_stage.main(workspace.model_copy(update={"teacher": teacher}), "0")
    assert np.load(paths.lesson(0)).shape == (3 * 96 // 16, 16, 3)
    facts = json.loads(paths.teacher_facts(0).read_text())
    assert (facts["trunk"]["architecture"], facts["views"], facts["weights"]) == ("separable", 3, "none")
    assert 0 <= facts["val_accuracy"] <= 1
