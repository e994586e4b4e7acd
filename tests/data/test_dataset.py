import zlib

import numpy as np
import pytest

from ctrmoe.data import encoded
from ctrmoe.data.dataset import TrainingFeed, logit_shift
from ctrmoe.data.encoded import EncodedWriter
from ctrmoe.schema import Feature, Schema, SchemaError, Task

ROWS, GROUP_ROWS = 1_000, 50
SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"), Task(name="buy")),
    features=(
        Feature(name="row", kind="categorical"),
        Feature(name="history", kind="sequence", max_length=3),
        Feature(name="price", kind="numeric"),
    ),
)
ONE_TASK = Schema(name="t", tasks=SCHEMA.tasks[:1], features=SCHEMA.features)
DOMAINS = SCHEMA.replace(domain="shop")


def labels_of(rows):
    """A fifth of the rows are clicks; half of the clicks and a hundredth of all rows are buys."""
    return {"click": rows % 5 == 0, "buy": (rows % 10 == 0) | (rows % 100 == 1)}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes row groups of 50 rows in files of 400; each row's columns hold its number."""
    monkeypatch.setattr(encoded, "ROW_GROUP_ROWS", GROUP_ROWS)
    monkeypatch.setattr(encoded, "FILE_ROWS", 400)

    def write(schema=SCHEMA, rows=ROWS):
        number = np.arange(rows, dtype=np.int32)
        # One row of a hundred is of the second domain, and all of them are in the last groups.
        domain = {"domain:id": np.where(number < 0.99 * rows, 3, 4).astype(np.int32)}
        columns = {
            "row": number,
            "history": np.stack([number, number + 1, number + 2], axis=1),
            "price": number.astype(np.float32),
        }
        labels = {t.name: labels_of(number)[t.name].astype(np.int8) for t in schema.tasks}
        with EncodedWriter(tmp_path / "train", schema) as writer:
            writer.write(columns | (domain if schema.domain else {}), labels)
        return tmp_path / "train"

    return write


def row_numbers(batches):
    return [inputs["ids"][:, 0].tolist() for inputs, _, _ in batches]


def flat(batches):
    return [row for batch in row_numbers(batches) for row in batch]


def test_columns_of_a_row_stay_together(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=64, shuffle_rows=300)

    for inputs, labels, weights in feed.batches(0, feed.steps_per_epoch):
        rows = inputs["ids"][:, 0]
        np.testing.assert_array_equal(inputs["sequences"], np.stack([rows, rows + 1, rows + 2], 1))
        np.testing.assert_array_equal(inputs["values"][:, 0], rows.astype(np.float32))
        for task, expected in labels_of(rows).items():
            np.testing.assert_array_equal(labels[task], expected.astype(np.float32))
            np.testing.assert_array_equal(weights[task], 1)


def test_rows_without_a_label_weigh_nothing(tmp_path):
    number = np.arange(100, dtype=np.int32)
    columns = {"row": number, "history": np.zeros((100, 3), np.int32), "price": number * 1.0}
    labels = {"click": (number % 2).astype(np.int8), "buy": (number % 3 - 1).astype(np.int8)}
    with EncodedWriter(tmp_path / "train", SCHEMA) as writer:
        writer.write({**columns, "price": columns["price"].astype(np.float32)}, labels)
    feed = TrainingFeed(tmp_path / "train", SCHEMA, batch_size=100, positive_weight=4)

    ((inputs, found, weights),) = feed.batches(0, 1)

    rows = inputs["ids"][:, 0]
    np.testing.assert_array_equal(found["buy"], rows % 3 == 2)
    np.testing.assert_array_equal(weights["buy"] > 0, rows % 3 > 0)
    assert set(weights["click"]) == {1, 4}
    assert weights["buy"].dtype == np.float32


@pytest.mark.parametrize("shuffle_rows", [1, 300, 10_000])
def test_batches_are_the_same_from_any_first_step(write, shuffle_rows):
    feed = TrainingFeed(write(), SCHEMA, batch_size=64, seed=3, shuffle_rows=shuffle_rows)
    steps = 3 * feed.steps_per_epoch
    whole = row_numbers(feed.batches(0, steps))

    for first in range(steps):
        count = min(4, steps - first)
        assert row_numbers(feed.batches(first, count)) == whole[first : first + count]


def test_row_comes_at_most_once_an_epoch(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=64, shuffle_rows=300)
    assert feed.steps_per_epoch == ROWS // 64

    for epoch in range(3):
        rows = flat(feed.batches(epoch * feed.steps_per_epoch, feed.steps_per_epoch))
        assert len(set(rows)) == len(rows) == ROWS // 64 * 64


@pytest.mark.parametrize(
    ("negative_rate", "shard", "checksum"),
    [
        (1.0, (0, 1), 1536033714),
        (1.0, (1, 3), 4173938970),
        (0.5, (0, 1), 4231402493),
        (0.5, (1, 3), 1580554599),
    ],
)
def test_order_of_rows_stays_what_earlier_versions_read(write, negative_rate, shard, checksum):
    """Written down when no domain could be evened out: a run of then goes on to the same bits."""
    options = {"shuffle_rows": 300, "negative_rate": negative_rate, "shard": shard}
    feed = TrainingFeed(write(), SCHEMA, batch_size=64, seed=3, domain_temperature=1.0, **options)

    rows = np.array(flat(feed.batches(2, 30)), "<i4")

    assert zlib.crc32(rows.tobytes()) == checksum


@pytest.mark.parametrize("shuffle_rows", [1, 300, 10_000])
@pytest.mark.parametrize("negative_rate", [1.0, 0.5])
def test_evened_out_batches_are_the_same_from_any_first_step(write, shuffle_rows, negative_rate):
    options = {"domain_temperature": 5.0, "negative_rate": negative_rate}
    options |= {"seed": 3, "shuffle_rows": shuffle_rows}
    feed = TrainingFeed(write(DOMAINS), DOMAINS, batch_size=64, **options)
    again = TrainingFeed(feed.folder, DOMAINS, batch_size=64, **options)
    steps = 2 * feed.steps_per_epoch
    whole = row_numbers(feed.batches(0, steps))

    assert len(whole) == steps
    for first in range(steps):
        count = min(4, steps - first)
        assert row_numbers(again.batches(first, count)) == whole[first : first + count]


def test_evened_out_epochs_take_the_same_rows_in_another_order(write):
    feed = TrainingFeed(
        write(DOMAINS), DOMAINS, batch_size=1, domain_temperature=1e9, shuffle_rows=200
    )
    share = np.array([990, 10])

    epochs = [flat(feed.batches(e * feed.steps_per_epoch, feed.steps_per_epoch)) for e in (0, 1)]

    assert feed.steps_per_epoch == feed.rows == pytest.approx(ROWS, rel=0.06)
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]
    times = np.bincount(epochs[0], minlength=ROWS)
    assert set(times[990:]) == {50}
    assert [times[:990].sum(), times[990:].sum()] / share == pytest.approx([500 / 990, 50], rel=0.1)


def test_evened_out_shards_are_disjoint(write):
    part, rows = write(DOMAINS), []
    for index in range(2):
        feed = TrainingFeed(
            part, DOMAINS, batch_size=1, domain_temperature=1e9, shard=(index, 2), seed=1
        )
        rows += flat(feed.batches(0, feed.steps_per_epoch))

    times = np.bincount(rows, minlength=ROWS)
    assert times[:990].max() == 1
    assert 10 < times[990:].max() <= 50


def test_rows_left_out_differ_between_epochs(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=192)
    seen = [set(flat(feed.batches(epoch * 5, 5))) for epoch in range(4)]

    assert len(set.union(*seen)) == ROWS
    assert all(len(rows) == 960 for rows in seen)


def test_order_differs_between_epochs_and_seeds(write):
    part = write()
    feed = TrainingFeed(part, SCHEMA, batch_size=100, seed=1)
    other = TrainingFeed(part, SCHEMA, batch_size=100, seed=2)

    orders = [flat(feed.batches(epoch * 10, 10)) for epoch in range(2)]
    orders.append(flat(other.batches(0, 10)))

    assert all(sorted(order) == list(range(ROWS)) for order in orders)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        same_place = np.mean(np.equal(orders[a], orders[b]))
        assert same_place < 0.02


def test_rows_are_shuffled_across_row_groups(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=100)

    for batch in row_numbers(feed.batches(0, 10)):
        assert len({row // GROUP_ROWS for row in batch}) > 15


@pytest.mark.parametrize("workers", [2, 4, 5])
def test_shards_are_disjoint_and_complete(write, workers):
    part = write()
    for epoch in range(2):
        shards = []
        for index in range(workers):
            feed = TrainingFeed(part, SCHEMA, batch_size=50, seed=1, shard=(index, workers))
            steps = feed.steps_per_epoch
            assert steps == ROWS // 50 // workers
            shards.append(flat(feed.batches(epoch * steps, steps)))
        assert sorted(row for shard in shards for row in shard) == list(range(ROWS))


def test_shards_take_the_same_number_of_steps(write):
    part = write()
    feeds = [TrainingFeed(part, SCHEMA, batch_size=32, shard=(i, 3)) for i in range(3)]

    assert {feed.steps_per_epoch for feed in feeds} == {6 * GROUP_ROWS // 32}
    rows = [flat(feed.batches(0, feed.steps_per_epoch)) for feed in feeds]
    assert len(set().union(*rows)) == sum(map(len, rows))


def test_down_sampling_keeps_the_positives_and_a_share_of_the_negatives(write):
    feed = TrainingFeed(write(rows=20_000), SCHEMA, batch_size=1, negative_rate=0.3)
    positive = np.any(list(labels_of(np.arange(20_000)).values()), axis=0)

    rows = np.array(flat(feed.batches(0, feed.steps_per_epoch)))

    assert set(np.flatnonzero(positive)) <= set(rows)
    share = (len(rows) - positive.sum()) / (~positive).sum()
    assert share == pytest.approx(0.3, abs=0.015)
    again = flat(feed.batches(feed.steps_per_epoch, feed.steps_per_epoch))
    assert sorted(again) == sorted(rows)
    assert again != rows.tolist()


def test_weights_of_one_task(write):
    part = write(ONE_TASK)
    feed = TrainingFeed(part, ONE_TASK, batch_size=100, negative_rate=0.5, positive_weight=3.0)

    for _, labels, weights in feed.batches(0, feed.steps_per_epoch):
        np.testing.assert_array_equal(weights["click"], np.where(labels["click"] > 0, 3, 1))


def test_weights_of_several_tasks(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=100, negative_rate=0.5, positive_weight=3.0)

    for _, labels, weights in feed.batches(0, feed.steps_per_epoch):
        negative = (labels["click"] == 0) & (labels["buy"] == 0)
        for task in ("click", "buy"):
            expected = np.where(labels[task] > 0, 3, 1) * np.where(negative, 2, 1)
            np.testing.assert_array_equal(weights[task], expected)


def test_logit_shift_of_one_task_and_of_several():
    assert logit_shift(ONE_TASK, 0.1, 2.0) == pytest.approx(np.log(0.1 / 2))
    assert logit_shift(SCHEMA, 0.1, 2.0) == pytest.approx(np.log(1 / 2))


def test_dataset_has_static_shapes_and_the_same_batches(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=64, shuffle_rows=300)
    dataset = feed.dataset(first_step=2, steps=20)

    inputs, labels, weights = dataset.element_spec
    assert {name: tuple(spec.shape) for name, spec in inputs.items()} == {
        "ids": (64, 1),
        "sequences": (64, 3),
        "values": (64, 1),
    }
    assert {tuple(spec.shape) for spec in (*labels.values(), *weights.values())} == {(64,)}
    assert int(dataset.cardinality()) == 20
    assert row_numbers(dataset.as_numpy_iterator()) == row_numbers(feed.batches(2, 20))


def test_dataset_without_an_end(write):
    feed = TrainingFeed(write(), SCHEMA, batch_size=192)

    taken = list(feed.dataset().take(12).as_numpy_iterator())

    assert row_numbers(taken) == row_numbers(feed.batches(0, 12))


def test_too_few_rows_for_a_batch(write):
    with pytest.raises(SchemaError, match=r"at least one batch of 1001 rows\. Received: 1000 rows"):
        TrainingFeed(write(), SCHEMA, batch_size=1001)


def test_batches_hold_the_domain_where_it_is_read(write):
    folder = write(DOMAINS)

    feed = TrainingFeed(folder, DOMAINS, batch_size=40, reads_domain=True)
    inputs, _, _ = next(iter(feed.dataset(0, 1)))
    everything = list(feed.batches(steps=feed.steps_per_epoch))

    assert inputs["domain"].shape == (40, 1)
    for batch, _, _ in everything:
        expected = np.where(batch["ids"][:, 0] < 0.99 * ROWS, 3, 4)
        np.testing.assert_array_equal(batch["domain"][:, 0], expected)
    plain = TrainingFeed(folder, DOMAINS, batch_size=40)
    assert "domain" not in next(plain.batches())[0]
