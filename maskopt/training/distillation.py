"""What a student is asked for: the labels, and the answers of a teacher where there are any.

Source: Hinton et al. 2015, arXiv:1503.02531, section 2. The teacher answers for the very views that the student sees:
Beyer et al. 2022, arXiv:2106.05237.

Shape legend: B batch, K classes.
"""

from maskopt.networks.keras import keras, tf


class Crossentropy(keras.losses.Loss):
    """Mean cross-entropy with the labels, or a mix of that and the cross-entropy with a teacher's answers.

    Targets are (B, K) one-hot labels, or (B, 2 K): those, and the teacher's logits.
    """

    def __init__(self, label_smoothing: float, weight: float, temperature: float) -> None:
        """Set how much of the loss is the teacher's: a `weight` in [0, 1], for answers softened by `temperature`."""
        super().__init__()
        self.label_smoothing = label_smoothing
        self.weight = weight
        self.temperature = temperature

    def call(self, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Return (B,) losses of (B, K) logits."""
        labels, answers = split(targets, logits)
        hard = keras.losses.categorical_crossentropy(labels, logits, True, self.label_smoothing)
        if answers is None:
            return hard
        soft = tf.nn.softmax_cross_entropy_with_logits(
            tf.nn.softmax(answers / self.temperature), logits / self.temperature
        )
        return (1 - self.weight) * hard + self.weight * self.temperature**2 * soft  # gradients of like size, whatever T


def accuracy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return (B,): 1.0 where (B, K) logits are highest for the label of (B, K) or (B, 2 K) targets."""
    labels, _ = split(targets, logits)
    return keras.metrics.categorical_accuracy(labels, logits)


def split(targets: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Return labels and teacher's logits, each (B, K); None where targets hold labels alone."""
    n_classes = logits.shape[-1]
    return targets[:, :n_classes], targets[:, n_classes:] if targets.shape[-1] > n_classes else None
