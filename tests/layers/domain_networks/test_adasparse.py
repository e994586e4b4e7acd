import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_networks.adasparse import AdaSparse

DOMAINS = np.array([0, 2, 2, 0, 3], "int32")  # none of domain 1, one row of domain 3
SIZES = {"units": [5, 3], "domain_dim": 2}
PRUNERS = ("binarization", "scaling", "fusion")


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4)).astype("float32")


@pytest.fixture
def make(x, randomize):
    """Returns a function that makes a network that prunes some of its neurons."""

    def network(pruner, **options):
        layer = AdaSparse(4, **{**SIZES, "pruner": pruner, "epsilon": 0.4, **options})
        layer.build(x.shape)
        step = int(layer.step)
        randomize(layer)
        layer.step.assign(step)
        for part in layer.pruners:
            part.bias.assign(np.linspace(-2, 2, part.units))
        return layer

    return network


def reference(network, x, domain, variables):
    weights = {name: w.numpy().astype("float64") for name, w in variables(network).items()}
    return references.adasparse(
        x.astype("float64"),
        domain,
        weights,
        network.pruner,
        float(network.alpha),
        network.beta,
        network.epsilon,
    )


@pytest.mark.parametrize("pruner", PRUNERS)
def test_equals_the_equations(make, x, variables, pruner):
    network = make(pruner, beta=1.5, alpha_growth=0.25)
    network.step.assign(8)

    result = network(x, DOMAINS)

    expected, kept = reference(network, x, DOMAINS, variables)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    if pruner != "scaling":
        assert all(0 < layer.mean() < 1 for layer in kept)


@pytest.mark.parametrize("pruner", ["binarization", "fusion"])
def test_what_is_pruned_is_exactly_zero_and_the_rest_is_not_negative(make, x, variables, pruner):
    network = make(pruner)
    _, kept = reference(network, x, DOMAINS, variables)

    result = network(x, DOMAINS, training=True).numpy()

    assert (kept[-1] == 0).any()
    np.testing.assert_array_equal(result[kept[-1] == 0], 0)
    assert result.min() == 0 and result.max() > 0


def test_scaling_prunes_nothing_and_adds_no_loss(make, x):
    network = make("scaling")

    network(x, DOMAINS, training=True)

    assert network.losses == []
    assert network.metrics == []


def test_alpha_grows_with_training_steps_only(make, x):
    network = make("fusion", alpha_growth=0.5)
    network(x, DOMAINS, training=True)
    network(x, DOMAINS, training=True)

    first = network(x, DOMAINS)
    second = network(x, DOMAINS, training=False)

    assert (int(network.step), float(network.alpha)) == (2, 2.0)
    np.testing.assert_array_equal(second, first)
    network.step.assign(0)
    assert np.abs(network(x, DOMAINS) - first).max() > 1e-3


def expected_loss(kept, low, high):
    """Layer by layer and domain by domain; domain 1 has no row."""
    total = 0.0
    for layer in kept:
        ratios = [layer[domain == DOMAINS].mean() for domain in (0, 2, 3)]
        squares = [(r - (low + high) / 2) ** 2 for r in ratios if not low <= r <= high]
        total += sum(squares) / 3
    return total


@pytest.mark.parametrize(("low", "high"), [(0.75, 0.85), (0.0, 0.3), (0.4, 0.8)])
def test_loss_is_the_distance_of_each_domain_that_keeps_too_few_or_many(
    make, x, variables, low, high
):
    network = make("fusion", kept=(low, high), sparsity_weight=0.5)
    _, kept = reference(network, x, DOMAINS, variables)

    network(x, DOMAINS)
    assert network.losses == []
    network(x, DOMAINS, training=True)

    expected = 0.5 * expected_loss(kept, low, high)
    assert float(sum(network.losses)) == pytest.approx(expected, rel=1e-4, abs=1e-7)
    ratios = [float(metric.result()) for metric in network.metrics]
    names = [f"{network.name}_kept_ratio_{i}" for i in range(3)]
    assert [metric.name for metric in network.metrics] == names
    assert ratios == pytest.approx([layer.mean() for layer in kept], abs=1e-6)


@pytest.mark.parametrize("low", [0.2, 0.75])
def test_loss_drives_the_share_of_each_domain_between_its_bounds(random, variables, low):
    network = AdaSparse(3, units=[20], domain_dim=4, alpha_growth=0.01, kept=(low, low + 0.1))
    x = random.normal(size=(60, 10)).astype("float32")
    domain = np.repeat(np.arange(3, dtype="int32"), 20)
    network(x, domain)
    optimizer = keras.optimizers.Adam(0.02)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            network(x, domain, training=True)
            loss = sum(network.losses)
        weights = network.trainable_weights
        values = [weight.value for weight in weights]
        gradients = tape.gradient(loss, values, unconnected_gradients="zero")
        optimizer.apply(gradients, weights)
        return loss

    optimizer.build(network.trainable_weights)
    losses = [float(step()) for _ in range(200)]

    # Not all are zero: the optimizer's momentum may carry a share past a bound.
    assert np.mean(losses[-50:]) < 0.02 * losses[0]
    _, kept = reference(network, x, domain, variables)
    for layer in kept:
        for p in range(3):
            assert low - 0.03 <= layer[domain == p].mean() <= low + 0.13


def test_binarization_passes_the_gradient_of_a_sigmoid_around_the_threshold(make, x):
    network = make("binarization", epsilon=0.25)
    network.step.assign(10_000)  # α = 2
    v = tf.constant(x)

    with tf.GradientTape() as tape:
        tape.watch(v)
        factors, _ = network._factors(v)
    gradient = tape.gradient(factors, v)

    around = 1 / (1 + np.exp(-2 * x - np.log(3)))
    np.testing.assert_array_equal(factors, (2 * x > -np.log(3)).astype("float32"))
    np.testing.assert_allclose(gradient, 2 * around * (1 - around), atol=1e-6)


def test_pruned_neurons_give_no_gradient_to_what_they_read(make, x, variables):
    network = make("fusion", epsilon=0.5)
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = network(value, DOMAINS)[:, 0]
    gradient = tape.gradient(result, network.dense_layers[1].kernel.value).numpy()

    _, kept = reference(network, x, DOMAINS, variables)
    assert np.isfinite(gradient).all()
    never = kept[1].sum(axis=0) == 0
    np.testing.assert_array_equal(gradient[never], 0)


@pytest.mark.parametrize(("pruner", "metrics"), [("fusion", 3), ("scaling", 0)])
def test_number_of_weights(x, pruner, metrics):
    network = AdaSparse(6, **SIZES, pruner=pruner)
    network.build(x.shape)

    pruners = sum((2 + size + 1) * size for size in (4, 5, 3))
    dense = (4 + 1) * 5 + (5 + 1) * 3
    trainable = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    assert trainable == 6 * 2 + pruners + dense
    assert [w.path.split("/")[-1] for w in network.non_trainable_weights] == ["step"]
    assert len(network.metrics) == metrics


def test_half_precision_prunes_what_the_reference_prunes(x, variables):
    half = AdaSparse(4, **SIZES, epsilon=0.4, dtype="mixed_float16")
    half.build(x.shape)
    half.step.assign(3)

    result = half(x, DOMAINS)

    _, kept = reference(half, x, DOMAINS, variables)
    assert result.dtype == "float16"
    np.testing.assert_array_equal(result.numpy()[kept[-1] == 0], 0)
    assert half.step.dtype == "int32"


def test_fit_compiled_and_not_gives_the_same(x):
    left = []
    for jit in (False, True):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((4,)), keras.Input((), dtype="int32")
        network = AdaSparse(4, **SIZES, alpha_growth=0.1, name="ada")
        model = keras.Model(inputs, keras.layers.Dense(1)(network(*inputs)))
        model.compile("sgd", "mse", jit_compile=jit)
        history = model.fit((x, DOMAINS), np.ones((5, 1)), batch_size=3, epochs=2, verbose=0)
        left.append([*history.history["loss"], *history.history["ada_kept_ratio_0"]])
        assert int(network.step) == 4

    np.testing.assert_allclose(left[1], left[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": []}, "`units` must name at least one width"),
        ({"pruner": "binary"}, "`pruner` must be one of 'binarization', 'scaling', 'fusion'"),
        ({"alpha_growth": -1}, "`alpha_growth` must not be negative"),
        ({"beta": 0}, "`beta` must be a positive number"),
        ({"epsilon": 1}, r"`epsilon` must lie in \[0, 1\)"),
        ({"epsilon": 0}, "`epsilon` must be a positive number"),
        ({"kept": (0.9, 0.8)}, r"`kept` must be two rising numbers in \[0, 1\]"),
        ({"kept": (0.5,)}, r"`kept` must be two rising numbers"),
        ({"sparsity_weight": -0.1}, "`sparsity_weight` must not be negative"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        AdaSparse(4, **options)
