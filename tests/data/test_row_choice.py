from collections import Counter

import numpy as np
import pytest

from ctrmoe.data import encoded
from ctrmoe.data.encoded import EncodedWriter, list_row_groups, read_encoded
from ctrmoe.data.row_choice import RowChoice
from ctrmoe.schema import Feature, Schema, SchemaError, Task

GROUP_ROWS = 1_000
SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"), Task(name="buy")),
    features=(Feature(name="row", kind="categorical"),),
    domain="shop",
)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes rows of these domain ids; a fifth of them are clicks, a tenth buys."""
    monkeypatch.setattr(encoded, "ROW_GROUP_ROWS", GROUP_ROWS)

    def write(domain):
        row = np.arange(len(domain), dtype=np.int32)
        labels = {"click": row % 5 == 0, "buy": row % 10 == 1}
        with EncodedWriter(tmp_path / "train", SCHEMA) as writer:
            writer.write(
                {"row": row, "domain:id": np.asarray(domain, np.int32)},
                {task: label.astype(np.int8) for task, label in labels.items()},
            )
        return tmp_path / "train"

    return write


def mixed(counts, seed=0):
    """Domain ids of which `counts` says how many there are, in random order."""
    ids = np.repeat(list(counts), list(counts.values()))
    return np.random.default_rng(seed).permutation(ids)


def taken(part, **options):
    """The rows of every piece, by the number that they have in the whole table."""
    groups = list_row_groups(part)
    choice = RowChoice(groups, SCHEMA, **options)
    starts = np.cumsum([0, *(group.rows for group in groups)])
    chunks = list(read_encoded(part, SCHEMA))
    result = []
    for piece in choice.pieces():
        rows, labels = chunks[piece.position]
        start = starts[piece.position]
        numbers = np.arange(start, start + groups[piece.position].rows)
        result.append(numbers[choice.rows(piece, labels, rows.domain)])
        assert len(result[-1]) == piece.rows
    return result


def drawn_shares(counts, temperature):
    total = sum(counts.values())
    weights = {domain: (count / total) ** (1 / temperature) for domain, count in counts.items()}
    return {domain: weight / sum(weights.values()) for domain, weight in weights.items()}


@pytest.mark.parametrize("temperature", [1.5, 4.0, 1e6])
def test_shares_follow_the_temperature(write, temperature):
    counts = {3: 100_000, 4: 20_000, 5: 100}
    domain = mixed(counts)

    rows = np.concatenate(taken(write(domain), domain_temperature=temperature))

    assert len(rows) == pytest.approx(120_100, rel=0.01)
    found = Counter(domain[rows].tolist())
    for number, share in drawn_shares(counts, temperature).items():
        assert found[number] / len(rows) == pytest.approx(share, rel=0.03)


def test_rows_of_a_domain_are_taken_equally_often(write):
    counts = {3: 50_000, 4: 50}
    domain = mixed(counts)

    rows = np.concatenate(taken(write(domain), domain_temperature=3.0))

    times = np.bincount(rows, minlength=50_050)
    expected = drawn_shares(counts, 3.0)[4] * 50_050 / 50
    assert set(times[domain == 4]) <= {int(expected), int(expected) + 1}
    assert set(times[domain == 3]) == {0, 1}


def test_missing_and_unknown_domains_count_as_one(write):
    domain = mixed({1: 300, 2: 100, 3: 7_600})

    rows = np.concatenate(taken(write(domain), domain_temperature=1e9))

    found = Counter(domain[rows].tolist())
    assert found[3] == pytest.approx(4_000, rel=0.03)
    assert found[1] == 3_000
    assert found[2] == 1_000


def test_pieces_are_no_larger_than_a_row_group_and_hold_every_row_once(write):
    domain = np.repeat([3, 4], [30_000, 600])

    pieces = taken(write(domain), domain_temperature=1e9, seed=4)

    rows = np.concatenate(pieces)
    times = np.bincount(rows, minlength=30_600)
    assert set(times[30_000:]) == {25, 26}
    assert max(map(len, pieces)) <= GROUP_ROWS
    parts = [piece for piece in pieces if piece[0] >= 30_000]
    assert len(parts) == 16
    assert all(len(set(piece)) > 550 for piece in parts)


def test_choice_depends_on_the_seed_alone(write):
    part = write(mixed({3: 5_000, 4: 500}))

    first, again, other = (taken(part, domain_temperature=2.0, seed=seed) for seed in (1, 1, 2))

    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(np.concatenate(first), np.concatenate(other))


def test_domains_are_evened_out_after_down_sampling(write):
    counts = {3: 40_000, 4: 4_000}
    domain = mixed(counts)
    part = write(domain)
    kept = np.concatenate(taken(part, negative_rate=0.3))

    rows = np.concatenate(taken(part, negative_rate=0.3, domain_temperature=2.0))

    assert set(rows) <= set(kept)
    assert len(rows) == pytest.approx(len(kept), rel=0.02)
    of_kept = Counter(domain[kept].tolist())
    share = np.mean(domain[rows] == 4)
    assert share == pytest.approx(drawn_shares(of_kept, 2.0)[4], rel=0.02)


def test_rows_as_they_are_come_without_a_copy(write):
    groups = list_row_groups(write(mixed({3: 2_500, 4: 10})))
    choice = RowChoice(groups, SCHEMA)

    pieces = choice.pieces()

    assert [(piece.position, piece.count, piece.rows) for piece in pieces] == [
        (0, 1, 1_000), (1, 1, 1_000), (2, 1, 510),
    ]  # fmt: skip
    assert choice.rows(pieces[0], {}, None) == slice(None)


def test_temperature_needs_a_domain(write):
    groups = list_row_groups(write([3, 4]))

    with pytest.raises(SchemaError, match=r"must be 1 where the schema has no `domain`.*: 2\.0\."):
        RowChoice(groups, SCHEMA.replace(domain=""), domain_temperature=2.0)
