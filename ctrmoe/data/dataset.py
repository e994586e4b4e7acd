"""Feeds encoded parquet to Keras: whole row groups in, packed batches out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ctrmoe.data.encoded import list_row_groups, read_encoded
from ctrmoe.data.packed import Encoded
from ctrmoe.data.row_choice import RowChoice
from ctrmoe.schema import UNLABELLED, Schema, SchemaError

Arrays = dict[str, np.ndarray]
Batch = tuple[Arrays, Arrays, Arrays]


@dataclass(frozen=True, slots=True)
class _Buffer:
    """Pieces of row groups that are shuffled together, and the number of their rows."""

    index: int
    pieces: tuple[int, ...]
    rows: int


class TrainingFeed:
    """Batches of the training part in a seeded order that can be entered at any step.

    Row groups are shuffled across the files, rows across the groups of a buffer. The same
    arguments give the same batches, whatever the step that reading starts from. Every batch has
    the same static shape; the rows that fill no batch are left out of an epoch, others in each.
    A label that is `UNLABELLED` comes as 0 with weight 0.

    Args:
        folder: The encoded part, such as `prepared/train`.
        schema: The resolved schema beside it.
        batch_size: Rows of a batch.
        seed: Of the order, and of the rows that down-sampling keeps and evening out repeats.
        shuffle_rows: Rows of a buffer, repeated ones counted.
        negative_rate: Share kept of the rows that are negative for every task. The choice is the
            same in every epoch. With several tasks the rows kept weigh `1 / negative_rate`, so
            that no task's probabilities shift; with one task they weigh 1, and the logit is
            shifted back by `logit_shift`.
        domain_temperature: Above 1, small domains are drawn more often; see `RowChoice`. The
            choice is the same in every epoch, and labels are not looked at: given its domain, a
            row's probabilities do not shift.
        positive_weight: Weight of positive labels in the loss.
        shard: `(index, count)`: this worker's share of each epoch's row groups.
        reads_domain: Whether the batches hold the domain.

    Raises:
        SchemaError: If the part holds less than one batch, or has no domains to even out.
    """

    def __init__(
        self,
        folder: str | Path,
        schema: Schema,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle_rows: int = 262_144,
        negative_rate: float = 1.0,
        domain_temperature: float = 1.0,
        positive_weight: float = 1.0,
        shard: tuple[int, int] = (0, 1),
        reads_domain: bool = False,
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle_rows = shuffle_rows
        self.negative_rate = negative_rate
        self.positive_weight = positive_weight
        self.shard = shard
        self.reads_domain = reads_domain
        self._groups = list_row_groups(folder)
        self._choice = RowChoice(
            self._groups,
            schema,
            seed=seed,
            negative_rate=negative_rate,
            domain_temperature=domain_temperature,
        )
        self._pieces = self._choice.pieces()
        sizes = sorted(piece.rows for piece in self._pieces)
        self.rows = sum(sizes[: len(sizes) // shard[1]])
        self.steps_per_epoch = self.rows // batch_size
        if not self.steps_per_epoch:
            raise SchemaError(
                f"{folder} must hold at least one batch of {batch_size} rows. Received: "
                f"{self.rows} rows. Lower `train.batch_size`."
            )

    def dataset(self, first_step: int = 0, steps: int | None = None) -> tf.data.Dataset:
        """Returns `(inputs, labels, weights)` batches, each a dict by name.

        Args:
            first_step: Step to start from, counted from the start of the training.
            steps: Number of batches; endless if left out, for `fit(steps_per_epoch=...)`.
        """
        dataset = tf.data.Dataset.from_generator(
            lambda: self.batches(first_step, steps), output_signature=self._signature()
        )
        if steps is not None:
            dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
        return dataset.prefetch(4)

    def batches(self, first_step: int = 0, steps: int | None = None) -> Iterator[Batch]:
        """Iterates over the batches as NumPy arrays; see `dataset`."""
        epoch, step = divmod(first_step, self.steps_per_epoch)
        left = steps
        while left is None or left > 0:
            wanted = self.steps_per_epoch - step
            wanted = wanted if left is None else min(wanted, left)
            yield from self._epoch(epoch, step, wanted)
            left = None if left is None else left - wanted
            epoch, step = epoch + 1, 0

    def _epoch(self, epoch: int, first_step: int, steps: int) -> Iterator[Batch]:
        skip = first_step * self.batch_size
        pending: list[Arrays] = []
        missing = self.batch_size
        for buffer in self._buffers(epoch):
            if skip >= buffer.rows:
                skip -= buffer.rows
                continue
            rows = self._read(buffer)
            order = np.random.default_rng([self.seed, epoch, buffer.index]).permutation(buffer.rows)
            position, skip = skip, 0
            while position < buffer.rows:
                chosen = order[position : position + missing]
                pending.append({name: matrix[chosen] for name, matrix in rows.items()})
                position += len(chosen)
                missing -= len(chosen)
                if not missing:
                    yield self._batch(_join(pending))
                    pending, missing = [], self.batch_size
                    steps -= 1
                    if not steps:
                        return
            del rows  # before the next buffer is read

    def _buffers(self, epoch: int) -> Iterator[_Buffer]:
        index, count = self.shard
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self._pieces))
        pieces: list[int] = []
        rows = number = 0
        for piece in order[index::count]:
            pieces.append(piece)
            rows += self._pieces[piece].rows
            if rows >= self.shuffle_rows:
                yield _Buffer(number, tuple(pieces), rows)
                pieces, rows, number = [], 0, number + 1
        if rows:
            yield _Buffer(number, tuple(pieces), rows)

    def _read(self, buffer: _Buffer) -> Arrays:
        # Filled in place: joining the parts would hold every row twice.
        rows: Arrays = {}
        start = 0
        pieces = [self._pieces[number] for number in buffer.pieces]
        groups = [self._groups[piece.position] for piece in pieces]
        chunks = read_encoded(self.folder, self.schema, row_groups=groups)
        for piece, (encoded, labels) in zip(pieces, chunks, strict=True):
            chosen = self._choice.rows(piece, labels, encoded.domain)
            end = start + piece.rows
            part = pack(encoded, self.reads_domain)
            part |= {f"label:{task}": column for task, column in labels.items()}
            for name, matrix in part.items():
                if name not in rows:
                    rows[name] = np.empty((buffer.rows, *matrix.shape[1:]), matrix.dtype)
                rows[name][start:end] = matrix[chosen]
            start = end
        return rows

    def _batch(self, rows: Arrays) -> Batch:
        inputs = {name: matrix for name, matrix in rows.items() if not name.startswith("label:")}
        labels = {task.name: rows[f"label:{task.name}"] for task in self.schema.tasks}
        numbers = {task: np.maximum(label, 0, dtype=np.float32) for task, label in labels.items()}
        return inputs, numbers, self._weights(labels)

    def _weights(self, labels: Arrays) -> Arrays:
        weights = {
            task: np.where(label > 0, self.positive_weight, label != UNLABELLED).astype(np.float32)
            for task, label in labels.items()
        }
        if self.negative_rate < 1 and len(labels) > 1:
            positive = np.any([label > 0 for label in labels.values()], axis=0)
            inverse = np.where(positive, 1.0, 1.0 / self.negative_rate).astype(np.float32)
            weights = {task: weight * inverse for task, weight in weights.items()}
        return weights

    def _signature(self) -> tuple[Any, Any, Any]:
        inputs = {
            name: tf.TensorSpec((self.batch_size, width), dtype)
            for name, (width, dtype) in self.schema.packed(self.reads_domain).items()
        }
        columns = {
            task.name: tf.TensorSpec((self.batch_size,), tf.float32) for task in self.schema.tasks
        }
        return inputs, columns, columns


def logit_shift(schema: Schema, negative_rate: float, positive_weight: float) -> float:
    """What to add to a model's logits so that they are those of the data as it was.

    A model trained on a share r of the negatives, positives weighing w, learns odds that are
    w / r times the true ones; see `TrainingFeed` for how several tasks are down-sampled.
    """
    rate = negative_rate if len(schema.tasks) == 1 else 1.0
    return float(np.log(rate) - np.log(positive_weight))


def pack(encoded: Encoded, reads_domain: bool = False) -> Arrays:
    """Returns the packed matrices of a chunk by the names of the model's inputs."""
    matrices = {"ids": encoded.ids, "sequences": encoded.sequences, "values": encoded.values}
    if encoded.weights is not None:
        matrices["weights"] = encoded.weights
    if reads_domain and encoded.domain is not None:
        matrices["domain"] = encoded.domain[:, None]
    return {name: matrix for name, matrix in matrices.items() if matrix.shape[1]}


def _join(parts: Sequence[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
