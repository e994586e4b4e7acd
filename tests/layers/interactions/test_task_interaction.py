import keras
import numpy as np

from ctrmoe.layers.interactions.task_interaction import TaskInteraction


class Doubling(keras.layers.Layer):
    """Doubles the tokens of the tasks, and tells what it reads."""

    def call(self, tokens, keep=None):
        return {"tasks": 2 * tokens["tasks"]}

    def attention(self, tokens, keep=None):
        return {"tasks_to_tasks": tokens["tasks"]}


class Sums(TaskInteraction):
    """Starts every task from the sum of the fields and of what is no padding of the sequences."""

    def __init__(self):
        super().__init__()
        self.num_tasks = 2
        self.blocks = [Doubling(), Doubling()]

    def first_tokens(self, fields, sequences, masks):
        total = keras.ops.sum(fields, axis=1, keepdims=True)
        for sequence, mask in zip(sequences, masks, strict=True):
            kept = keras.ops.where(mask[:, :, None], sequence, 0.0)
            total += keras.ops.sum(kept, axis=1, keepdims=True)
        return {"tasks": keras.ops.repeat(total, self.num_tasks, axis=1)}, masks


def test_blocks_follow_one_another_and_tell_what_they_read(fields, sequences, masks):
    layer = Sums()
    first = np.sum(fields, axis=1) + sum(
        np.sum(sequence * mask[:, :, None], axis=1)
        for sequence, mask in zip(sequences, masks, strict=True)
    )

    out = layer(fields, sequences, masks)

    np.testing.assert_allclose(out, np.repeat(4 * first[:, None], 2, axis=1), rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((None, 3, 4)) == (None, 2, 4)
    read = [one["tasks_to_tasks"][:, 0] for one in layer.attention(fields, sequences, masks)]
    np.testing.assert_allclose(read, [first, 2 * first], rtol=1e-4, atol=1e-5)
