import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_networks.sarnet import SARNet

DOMAINS = np.array([0, 2, 2, 0, 3], "int32")  # none of domain 1, one row of domain 3
SIZES = {"units": [5, 3], "shared_experts": 3, "own_experts": 2}


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4)).astype("float32")


@pytest.fixture
def network(x, randomize):
    network = SARNet(4, **SIZES)
    network.build(x.shape)
    randomize(network)
    return network


def gradients(network, x):
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        total = tf.reduce_sum(tf.square(network(value, DOMAINS, training=True)))
    weights = {weight.path: weight.value for weight in network.trainable_weights}
    return tape.gradient(total, (value, weights))


def test_equals_the_equations(network, x, variables):
    weights = {name: w.numpy().astype("float64") for name, w in variables(network).items()}

    result = network(x, DOMAINS)

    expected = references.sarnet(x.astype("float64"), DOMAINS, weights, own_experts=2)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_domains", [1, 2, 40], ids=["one", "two", "forty"])
def test_equals_the_equations_for_few_domains_and_many(random, randomize, num_domains):
    network = SARNet(num_domains, **SIZES)
    x = random.normal(size=(150, 4)).astype("float32")
    domain = random.integers(0, num_domains, 150).astype("int32")
    network.build(x.shape)
    weights = randomize(network)

    result = network(x, domain)

    expected = references.sarnet(x.astype("float64"), domain, weights, own_experts=2)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-4)


def test_input_is_not_transformed_at_first(x):
    network = SARNet(4, **SIZES)
    result = network(x, np.zeros(5, "int32"))
    for weight in network.own.weights:
        first = weight.numpy()[:2]
        weight.assign(np.concatenate([first] * 4))

    np.testing.assert_allclose(network(x, DOMAINS), result, atol=1e-6)


def test_only_the_domains_in_the_batch_train_what_is_their_own(network, x):
    value, by_weight = gradients(network, x)

    assert np.abs(value).min() > 0
    own = {
        path: tf.convert_to_tensor(gradient).numpy()
        for path, gradient in by_weight.items()
        if any(part in path for part in ("scales", "offsets", "own_experts"))
    }
    assert len(own) == 6
    for gradient in own.values():
        by_domain = np.abs(gradient.reshape(4, -1)).max(axis=1)
        assert (by_domain > 0).tolist() == [True, False, True, True]
    shared = [g for path, g in by_weight.items() if "shared_experts" in path or "gate" in path]
    assert len(shared) == 6
    assert all(np.abs(gradient).max() > 0 for gradient in shared)


def test_own_experts_lie_together_for_each_domain():
    assert SARNet(4, **SIZES).own.rows_per_domain == 2


def test_number_of_weights(network):
    experts = (3 + 4 * 2) * ((4 + 1) * 5 + (5 + 1) * 3)
    assert network.count_params() == 2 * 4 * 4 + experts + (4 + 1) * (3 + 2)


def test_number_of_domains_does_not_change_the_work(random):
    rows = 2_048
    x = random.normal(size=(rows, 32)).astype("float32")

    def operations(num_domains):
        network = SARNet(num_domains, units=[32])
        domain = random.integers(0, num_domains, rows).astype("int32")
        call = tf.function(network, autograph=False).get_concrete_function(x, domain)
        options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
        graph = call.graph
        return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops

    assert operations(40) < 1.5 * operations(10)


def test_half_precision_is_finite(x):
    network = SARNet(4, **SIZES, dtype="mixed_float16")

    result = network(x, DOMAINS)

    assert result.dtype == "float16"
    assert np.isfinite(result).all()
    assert {weight.dtype for weight in network.weights} == {"float32"}


def test_fit_compiled_and_not_gives_the_same_losses(x):
    losses = []
    for jit in (False, True):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((4,)), keras.Input((), dtype="int32")
        model = keras.Model(inputs, keras.layers.Dense(1)(SARNet(4, **SIZES)(*inputs)))
        model.compile("sgd", "mse", jit_compile=jit)
        history = model.fit((x, DOMAINS), np.ones((5, 1)), batch_size=3, epochs=2, verbose=0)
        losses.append(history.history["loss"])

    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": []}, "`units` must name at least one width"),
        ({"shared_experts": 0}, "`shared_experts` must be a positive integer"),
        ({"own_experts": 0}, "`own_experts` must be a positive integer"),
        ({"dropout": -0.1}, "`dropout` must lie in"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        SARNet(4, **options)
