import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.dispatch import METHODS, blocked, dispatch, fastest, usual_block_size
from ctrmoe.layers.experts import FeedForwardExperts, GatedLinearExperts

EXPERTS, HIDDEN = 5, 4


@pytest.fixture
def bank(randomize):
    layer = FeedForwardExperts(EXPERTS, [6, 3], activation="tanh")
    layer.build((None, HIDDEN))
    layer.drawn = randomize(layer)
    return layer


def routing_of(random, rows, choices, none_share=0.0):
    """Distinct experts for each row, some of them none."""
    index = np.argsort(random.random((rows, EXPERTS)), axis=1)[:, :choices]
    none = random.random((rows, choices)) < none_share
    gate = np.where(none, 0, random.dirichlet(np.ones(choices), rows))
    return {
        "index": np.where(none, EXPERTS, index).astype("int32"),
        "gate": gate.astype("float32"),
    }


def expected(x, routing, bank):
    def apply(row, index):
        return references.expert(row, bank.drawn, index, activation=np.tanh)

    return references.mixture(x, routing["index"], routing["gate"], apply, EXPERTS)


@pytest.mark.parametrize("method", [*METHODS, "auto"])
@pytest.mark.parametrize("none_share", [0.0, 0.4])
def test_equals_one_row_and_expert_at_a_time(random, bank, method, none_share):
    x = random.normal(size=(23, HIDDEN)).astype("float32")
    routings = [routing_of(random, 23, choices, none_share) for choices in (2, 1)]

    results = dispatch(x, routings, bank, method=method, block_size=4)

    for routing, result in zip(routings, results, strict=True):
        np.testing.assert_allclose(result, expected(x, routing, bank), atol=1e-5)


@pytest.mark.parametrize("method", ["fused", "blocked"])
def test_gradients_equal_those_of_all_experts_on_all_rows(random, bank, method):
    x = tf.Variable(random.normal(size=(17, HIDDEN)).astype("float32"))
    routing = routing_of(random, 17, 2, none_share=0.2)
    gate = tf.Variable(routing["gate"])
    weights = [weight.value for weight in bank.trainable_weights]

    gradients = []
    for form in ("dense", method):
        with tf.GradientTape() as tape:
            (y,) = dispatch(x, [{**routing, "gate": gate}], bank, method=form, block_size=4)
            loss = tf.reduce_sum(tf.square(y))
        found = tape.gradient(loss, [x, *weights])
        # Of an expert that is none, blocked has no result that a gate could be multiplied by.
        gradients.append([loss, *map(tf.convert_to_tensor, found)])

    for plain, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(other, plain, rtol=1e-4, atol=1e-5)


def test_gates_get_the_same_gradient_from_every_form(random, bank):
    x = random.normal(size=(9, HIDDEN)).astype("float32")
    routing = routing_of(random, 9, 2)
    gate = tf.Variable(routing["gate"])
    found = []
    for method in METHODS:
        with tf.GradientTape() as tape:
            (y,) = dispatch(x, [{**routing, "gate": gate}], bank, method=method, block_size=2)
            loss = tf.reduce_sum(tf.square(y))
        found.append(tape.gradient(loss, gate))

    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-4, atol=1e-5)


def test_experts_of_one_layer_and_of_three(random):
    x = random.normal(size=(9, HIDDEN)).astype("float32")
    routing = routing_of(random, 9, 2)
    for units in ([3], [6, 5, 3]):
        bank = FeedForwardExperts(EXPERTS, units)
        results = [dispatch(x, [routing], bank, method=method)[0] for method in METHODS]

        for result in results[1:]:
            np.testing.assert_allclose(result, results[0], atol=1e-5)


def test_all_rows_on_one_expert_and_rows_without_any(random, bank):
    x = random.normal(size=(10, HIDDEN)).astype("float32")
    index = np.full((10, 1), 3, "int32")
    index[7:] = EXPERTS
    gate = np.where(index < EXPERTS, 1, 0).astype("float32")

    (y,) = blocked(x, [{"index": index, "gate": gate}], bank, block_size=4)

    np.testing.assert_allclose(y[:7], bank(x)[:7, 3], atol=1e-6)
    np.testing.assert_array_equal(y[7:], np.zeros((3, 3)))


def test_any_number_of_rows_in_one_graph(random, bank):
    spec = [
        tf.TensorSpec((None, HIDDEN)),
        {"index": tf.TensorSpec((None, 2), tf.int32), "gate": tf.TensorSpec((None, 2))},
    ]

    @tf.function(input_signature=spec)
    def graph(x, routing):
        return blocked(x, [routing], bank, block_size=8)[0]

    for rows in (1, 7, 64):
        x = random.normal(size=(rows, HIDDEN)).astype("float32")
        routing = routing_of(random, rows, 2)
        np.testing.assert_allclose(graph(x, routing), expected(x, routing, bank), atol=1e-5)


def test_static_shapes_compile(random, bank):
    x = random.normal(size=(16, HIDDEN)).astype("float32")
    routing = routing_of(random, 16, 2)

    compiled = tf.function(lambda x, r: blocked(x, [r], bank)[0], jit_compile=True)

    np.testing.assert_allclose(compiled(x, routing), expected(x, routing, bank), atol=1e-5)


def test_auto_computes_few_experts_only_on_their_rows(bank, monkeypatch, random):
    computed, compute = [], bank.compute
    monkeypatch.setattr(
        bank, "compute", lambda x, *args, **kw: computed.append(x.shape) or compute(x, *args, **kw)
    )
    x = np.ones((128, HIDDEN), "float32")
    dispatch(x, [routing_of(random, 128, 2)], bank, block_size=16)
    dispatch(x, [routing_of(random, 128, 2), routing_of(random, 128, 2)], bank)

    blocks, everything = computed
    assert blocks == (128 * 2 // 16 + EXPERTS, 16, HIDDEN)
    assert everything == (1, 128, HIDDEN)


@pytest.mark.parametrize(
    ("rows", "choices", "training", "expected"),
    [
        (4096, [2], True, "blocked"),
        (None, [2], True, "blocked"),
        (64, [2], True, "fused"),  # blocks of as many rows would be padding
        (64, [2], False, "fused"),
        (4096, [2, 2], True, "dense"),
        (4096, [2, 2], False, "dense"),  # the last layer once for both
        (4096, [5], False, "fused"),
        (None, [5], None, "fused"),
    ],
)
def test_fastest_method(random, bank, rows, choices, training, expected):
    routings = [routing_of(random, 3, number) for number in choices]

    assert fastest(rows, routings, bank, 64, training) == expected


def test_fastest_method_of_many_experts_is_dense_in_training(random):
    bank, routings = FeedForwardExperts(9, [3]), [routing_of(random, 3, 5)]

    assert fastest(8, routings, bank, 16, True) == "dense"
    assert fastest(8, routings, bank, 16, False) == "fused"


def test_fastest_method_where_half_of_many_experts_are_chosen(random):
    bank, routings = FeedForwardExperts(10, [3]), [routing_of(random, 3, 5)]

    assert fastest(1024, routings, bank, 64, True) == "blocked"
    assert fastest(1024, routings, bank, 64, False) == "fused"
    assert fastest(4096, routings, bank, 64, False) == "blocked"


def test_fastest_method_of_experts_that_are_not_fused(random):
    bank = GatedLinearExperts(EXPERTS, 4, 3)

    assert fastest(8, [routing_of(random, 3, 5)], bank, 64, False) == "dense"


@pytest.mark.parametrize(
    ("rows", "choices", "experts", "expected"),
    [
        (None, 1, 300, 64),
        (4096, 2, 8, 128),
        (1024, 4, 8, 64),
        (4096, 1, 10, 64),
        (4096, 1, 128, 32),
        (4096, 1, 300, 16),
        (1, 1, 8, 16),
    ],
)
def test_block_size_follows_the_rows_of_an_expert(rows, choices, experts, expected):
    assert usual_block_size(rows, choices, experts) == expected


def test_experts_that_do_not_end_in_a_linear_map_are_not_fused():
    x = keras.ops.ones((3, HIDDEN))
    routing = {"index": keras.ops.zeros((3, 1), "int32"), "gate": keras.ops.ones((3, 1))}

    for bank in (
        FeedForwardExperts(2, [3], output_activation="relu"),
        GatedLinearExperts(2, 4, 3),
    ):
        bank.build((None, HIDDEN))
        with pytest.raises(ValueError, match="`dispatch` must be dense or blocked for experts"):
            dispatch(x, [routing], bank, method="fused")
