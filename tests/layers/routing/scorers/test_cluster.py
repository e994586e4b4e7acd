import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers import Mixture
from ctrmoe.layers.routing import Router
from ctrmoe.layers.routing.scorers import ClusterScorer

PUBLIC = {
    "temperature": 1.0,
    "normalise": False,
    "normalise_batch": False,
    "update": "iteration",
}
"""What public re-implementations compute."""


def wave(shape, shift, amplitude):
    return (amplitude * np.sin(0.7 * np.arange(np.prod(shape)) + shift)).reshape(shape)


def directions(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def scorer_with(centres, **options):
    """A scorer with centres of its own, which no dead one disturbs."""
    options = {"start": "random", "rescue": False, **options}
    scorer = ClusterScorer(len(centres), **options)
    scorer.build((None, centres.shape[1]))
    scorer.centres.assign(centres)
    return scorer


def coefficients(logits):
    return np.asarray(keras.ops.softmax(logits))


def purity(clusters, labels):
    return sum(np.bincount(labels[clusters == k]).max() for k in set(clusters)) / len(labels)


@pytest.fixture
def x(random):
    return random.normal(size=(9, 5)).astype("float32")


@pytest.fixture
def centres(random):
    return directions(random.normal(size=(3, 5))).astype("float32")


def test_golden_numbers():
    x, start = wave((4, 3), 0.5, 1).astype("float32"), directions(wave((2, 3), 1.7, 1))
    scorer = scorer_with(start, temperature=0.1, momentum=0.9, iterations=3)

    before = coefficients(scorer(x, context={}))
    after = scorer(x, context={}, training=True)

    np.testing.assert_allclose(before[1], [0.39806, 0.60194], atol=1e-4)
    expected = [[0.801283, 0.58973, 0.100818], [-0.398809, -0.670023, -0.626116]]
    np.testing.assert_allclose(scorer.centres, expected, atol=1e-4)
    expected = [[1, 0], [0.197591, 0.802409], [0, 1], [1, 0]]
    np.testing.assert_allclose(coefficients(after), expected, atol=1e-4)
    assert np.argmax(after, axis=1).tolist() == [0, 1, 1, 0]


def test_golden_numbers_of_the_public_form():
    x, start = wave((4, 3), 0.5, 1).astype("float32"), directions(wave((2, 3), 1.7, 1))
    scorer = scorer_with(start, **PUBLIC)

    after = coefficients(scorer(x, context={}, training=True))

    expected = [[0.680403, 0.657016, 0.324625], [-0.466967, -0.677088, -0.568764]]
    np.testing.assert_allclose(scorer.centres, expected, atol=1e-4)
    expected = [
        [0.933325, 0.066675],
        [0.426756, 0.573244],
        [0.087786, 0.912214],
        [0.934549, 0.065451],
    ]
    np.testing.assert_allclose(after, expected, atol=1e-4)


@pytest.mark.parametrize("update", ["batch", "iteration"])
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("normalise_batch", [True, False])
def test_centres_move_as_the_loops_say(x, centres, update, normalise, normalise_batch):
    options = {
        "update": update,
        "normalise": normalise,
        "normalise_batch": normalise_batch,
        "temperature": 0.5,
        "momentum": 0.7,
        "iterations": 2,
    }
    scorer = scorer_with(centres, **options)

    logits = scorer(x, context={}, training=True)

    expected = references.moved_centres(x, centres, **options)
    np.testing.assert_allclose(scorer.centres, expected, atol=1e-5)
    expected = references.cluster_logits(x, expected, 0.5, normalise)
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(scorer.centres, axis=1), 1, atol=1e-6)


def test_centres_stay_at_inference_and_with_momentum_1(x, centres):
    scorer = scorer_with(centres, momentum=1.0)

    alone = [scorer(x[row : row + 1], context={})[0] for row in range(len(x))]
    np.testing.assert_array_equal(scorer.centres, centres)
    np.testing.assert_allclose(alone, scorer(x, context={}), atol=1e-5)
    turned = scorer(x[::-1], context={}, training=False)
    np.testing.assert_allclose(turned[::-1], alone, atol=1e-5)
    scorer(x, context={}, training=True)
    np.testing.assert_allclose(scorer.centres, centres, atol=1e-6)


def test_centres_are_those_of_the_batch_with_momentum_0(x, centres):
    scorer = scorer_with(centres, momentum=0.0, iterations=1)
    scorer(x, context={}, training=True)

    r = coefficients(references.cluster_logits(x, centres))
    np.testing.assert_allclose(scorer.centres, directions(r.T @ directions(x)), atol=1e-5)


def test_no_gradient_passes_through_the_routing(x, centres):
    router = Router(3, "cluster", start="random", selector={"kind": "softmax"})
    rows = tf.Variable(x)
    for training in (False, True):
        with tf.GradientTape() as tape:
            gate = router(rows, training=training)["gate"]
            loss = tf.reduce_sum(gate * [1.0, 2.0, 3.0])
        assert tape.gradient(loss, rows) is None
    assert router.trainable_weights == []


def test_length_of_a_row_does_not_count(x, centres):
    scorer = scorer_with(centres)

    for scale in (1e-3, 50.0):
        np.testing.assert_allclose(
            scorer(scale * x, context={}), scorer(x, context={}), rtol=1e-4, atol=1e-4
        )
    public = scorer_with(centres, normalise=False)
    assert np.abs(public(2 * x, context={}) - public(x, context={})).max() > 1


def test_hard_choice_is_the_highest_coefficient(x):
    router = Router(3, "cluster", start="random", seed=1)

    routing = router(x)

    assert routing["index"].shape == (9, 1)
    np.testing.assert_allclose(np.sum(routing["probs"], axis=1), 1, atol=1e-6)
    assert np.min(routing["probs"]) >= 0
    np.testing.assert_array_equal(routing["index"][:, 0], np.argmax(routing["probs"], axis=1))
    np.testing.assert_array_equal(routing["gate"], np.ones((9, 1)))


def test_one_cluster_is_one_network(x, randomize):
    mixture = Mixture(
        {"kind": "product", "num_experts": 1, "units": [4, 2], "activation": "tanh"},
        router={"kind": "cluster"},
    )
    mixture(x[:1], training=True)
    w = randomize(mixture.experts)

    expected = [references.expert(row, w, 0, shared=True, activation=np.tanh) for row in x]
    np.testing.assert_allclose(mixture(x), expected, atol=1e-5)


@pytest.fixture
def mixture(x, randomize):
    """Product experts behind clusters, with weights that are not their first."""
    mixture = Mixture(
        {"kind": "product", "num_experts": 3, "units": [4, 2], "activation": "tanh"},
        router={"kind": "cluster", "start": "random", "seed": 1},
        dispatch="blocked",
    )
    mixture.build(x.shape)
    randomize(mixture.experts)
    return mixture


def test_clusters_with_neutral_weights_do_not_count(x, mixture):
    for kernel, bias in zip(mixture.experts.kernels, mixture.experts.biases, strict=True):
        kernel.assign(np.ones(kernel.shape))
        bias.assign(np.zeros(bias.shape))
    before = mixture(x)

    mixture.routers[0].scorer.centres.assign(-mixture.routers[0].scorer.centres)

    np.testing.assert_allclose(mixture(x), before, atol=1e-6)


def test_a_row_trains_its_cluster_and_the_shared_weights(x, mixture):
    (routing,) = mixture.routing(x[:1])
    own = int(routing["index"][0, 0])

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(mixture(x[:1])))
    weights = mixture.experts.trainable_weights
    for weight, gradient in zip(
        weights, tape.gradient(loss, [weight.value for weight in weights]), strict=True
    ):
        gradient = np.abs(tf.convert_to_tensor(gradient))
        if "shared" in weight.path:
            assert gradient.max() > 0
        else:
            moved = gradient.reshape(3, -1).max(axis=1) > 0
            assert moved.tolist() == [cluster == own for cluster in range(3)]


def test_order_of_the_clusters_does_not_count(x, mixture):
    before = mixture(x)

    own = (*mixture.experts.kernels, *mixture.experts.biases)
    for weight in (*own, mixture.routers[0].scorer.centres):
        weight.assign(weight.numpy()[[2, 0, 1]])

    np.testing.assert_allclose(mixture(x), before, atol=1e-6)


def blobs(random, scale, rows=128):
    """Rows around four directions, and which."""
    labels = random.integers(0, 4, rows)
    places = np.random.default_rng(3).normal(size=(4, 48))
    noise = random.normal(size=(rows, 48), scale=0.5)
    return (scale * (places[labels] + noise)).astype("float32"), labels


def trained_on_blobs(scale, seeds, steps=25, **options):
    """For each seed the clusters of rows that were not trained on, their blobs, and the centres."""
    scorer = ClusterScorer(4, seed=0, **options)
    scorer.build((None, 48))
    first = scorer.get_weights()
    step = tf.function(lambda x: scorer(x, context={}, training=True))
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        for weight, value in zip((scorer.centres, scorer.load), first, strict=True):
            weight.assign(value)
        for _ in range(steps):
            step(blobs(random, scale)[0])
        x, labels = blobs(random, scale)
        yield np.argmax(scorer(x, context={}), axis=1), labels, scorer.centres.numpy()


@pytest.mark.parametrize("scale", [1e-3, 0.05, 1.0])
def test_clusters_are_the_blobs_at_any_scale(scale):
    for clusters, labels, centres in trained_on_blobs(scale, seeds=5):
        assert purity(clusters, labels) > 0.95
        assert np.bincount(clusters, minlength=4).min() > 0.1 * len(labels)
        assert np.abs(centres @ centres.T - np.eye(4)).max() < 0.6


@pytest.mark.parametrize("scale", [1e-3, 0.05])
def test_public_form_collapses_where_embeddings_are_small(scale):
    public = {**PUBLIC, "start": "random", "rescue": False}
    for clusters, labels, centres in trained_on_blobs(scale, seeds=2, steps=100, **public):
        assert purity(clusters, labels) < 0.8
        assert np.min(centres @ centres.T) > 0.95


@pytest.mark.parametrize(("normalise", "apart"), [(True, False), ("centered", True)])
def test_centres_of_centered_rows_are_apart_whatever_rows_have_in_common(normalise, apart):
    scorer = ClusterScorer(4, seed=0, normalise=normalise)
    scorer.build((None, 48))
    step = tf.function(lambda x: scorer(x, context={}, training=True))
    random = np.random.default_rng(0)
    for _ in range(25):
        step(blobs(random, 1.0)[0] + 30)
    x, labels = blobs(random, 1.0)

    clusters = np.argmax(scorer(x + 30, context={}), axis=1)

    cosines = scorer.centres.numpy() @ scorer.centres.numpy().T
    assert np.min(cosines) < 0.1 if apart else np.min(cosines) > 0.95
    assert not apart or purity(clusters, labels) > 0.95


def test_centered_mean_is_the_first_batch_s_then_moves_and_stays_at_inference(x, centres):
    scorer = scorer_with(centres, normalise="centered", momentum=0.8)

    scorer(x, context={}, training=True)
    first = scorer.mean.numpy()
    logits = scorer(x, context={})
    scorer(x + 1, context={}, training=True)

    np.testing.assert_allclose(first, x.mean(0), atol=1e-6)
    np.testing.assert_allclose(scorer.mean, x.mean(0) + 0.2, atol=1e-6)
    again = scorer_with(scorer.centres.numpy(), normalise="centered")
    again.mean.assign(first)
    for row in range(len(x)):
        alone = again(x[row : row + 1], context={})
        expected = directions(x[row] - first) @ scorer.centres.numpy().T / 0.1
        np.testing.assert_allclose(alone[0], expected, atol=1e-4)
    assert logits.shape == (9, 3)


def test_empty_cluster_keeps_its_centre(random):
    x = (random.normal(size=(8, 3), scale=0.01) + [1, 0, 0]).astype("float32")
    centres = np.array([[1, 0, 0], [-1, 0, 0]], "float32")
    # At this temperature the other end of the sphere has no coefficient left.
    scorer = scorer_with(centres, temperature=0.01)

    for _ in range(3):
        scorer(x, context={}, training=True)

    np.testing.assert_array_equal(scorer.centres[1], centres[1])
    assert np.isfinite(scorer.centres).all()


def test_dead_centre_takes_the_place_of_the_worst_served_row(random):
    x = (random.normal(size=(40, 3), scale=0.05) + [1, 0, 0]).astype("float32")
    x[7] = [0.2, 3, 0]
    centres = np.array([[1, 0, 0], [-1, 0, 0]], "float32")
    scorer = scorer_with(centres, rescue=True, temperature=0.002, momentum=0.5)

    moved = []
    for _ in range(8):
        moved.append(np.linalg.norm(scorer.centres[1] - directions(x[7])) < 0.01)
        scorer(x, context={}, training=True)
        if moved[-1]:
            break

    # The load is halved each time: 1/2, …, 1/64 < 1/20.
    assert moved == [False] * 5 + [True]
    assert np.argmax(scorer(x, context={})[7]) == 1


@pytest.mark.parametrize("rows", [0.0, 1.0])
@pytest.mark.parametrize("clusters", [1, 3])
def test_one_row_even_of_zeros_is_finite(rows, clusters):
    x = np.full((1, 4), rows, "float32")
    scorer = ClusterScorer(clusters, start="random")

    for training in (False, True, True, False):
        assert np.isfinite(scorer(x, context={}, training=training)).all()


def test_first_step_starts_from_the_rows_of_its_batch(x):
    scorer = ClusterScorer(9, momentum=1.0, seed=4)
    before = scorer(x, context={})
    scorer(x, context={}, training=True)

    np.testing.assert_array_equal(before, np.zeros((9, 9)))
    found = sorted(map(tuple, scorer.centres.numpy()))
    np.testing.assert_allclose(found, sorted(map(tuple, directions(x))), atol=1e-6)
    other = ClusterScorer(9, momentum=1.0, seed=4)
    other(x, context={}, training=True)
    np.testing.assert_array_equal(other.centres, scorer.centres)


def test_start_is_the_first_step_only(x):
    scorer = ClusterScorer(2, momentum=1.0)
    scorer(x, context={}, training=True)
    before = scorer.centres.numpy()

    scorer(-x, context={}, training=True)

    np.testing.assert_allclose(scorer.centres, before, atol=1e-6)


def test_compiled_steps_are_the_same(x, centres):
    found = []
    for options in ({}, {"jit_compile": True}):
        scorer = scorer_with(centres, start="k_means_plus_plus", rescue=True, momentum=0.5)
        step = tf.function(lambda x, s=scorer: s(x, context={}, training=True), **options)
        logits = [step(x + shift) for shift in (0, 0.1, 0.2)]
        found.append([*logits, scorer.centres, scorer.load])

    for plain, compiled in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, plain, atol=1e-4)


def test_compiled_start_takes_rows(x):
    # Its draws are others: XLA has random numbers of its own.
    x = x[:4]
    scorer = ClusterScorer(4, momentum=1.0)
    scorer.build(x.shape)
    tf.function(lambda x: scorer(x, context={}, training=True), jit_compile=True)(x)

    found = sorted(map(tuple, scorer.centres.numpy()))
    np.testing.assert_allclose(found, sorted(map(tuple, directions(x))), atol=1e-6)


def test_centres_are_saved_with_the_model(x, tmp_path):
    inputs = keras.Input((5,))
    mixture = Mixture(
        {"kind": "product", "num_experts": 3, "units": [2], "expert_initializer": "normal"},
        router={"kind": "cluster", "momentum": 0.5},
    )
    model = keras.Model(inputs, mixture(inputs))
    model.compile("sgd", "mse")
    model.fit(x, np.ones((9, 2)), batch_size=9, epochs=3, verbose=0)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")

    scorer = loaded.layers[-1].routers[0].scorer
    assert np.abs(scorer.centres).max() > 0
    np.testing.assert_array_equal(scorer.centres, mixture.routers[0].scorer.centres)
    np.testing.assert_array_equal(scorer.load, mixture.routers[0].scorer.load)
    np.testing.assert_array_equal(loaded(x), model(x))


def test_more_clusters_than_rows_of_a_batch(x):
    scorer = ClusterScorer(10)

    with pytest.raises(
        ValueError, match="`num_experts` must be at most the rows of a training batch, 9"
    ):
        scorer(x, context={}, training=True)
    assert scorer(x, context={}).shape == (9, 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "`temperature` must be a positive number"),
        ({"momentum": 1.5}, "`momentum` must lie in"),
        ({"iterations": 0}, "`iterations` must be a positive integer"),
        ({"update": "step"}, "`update` must be one of"),
        ({"normalise": "center"}, "`normalise` must be one of True, False, 'centered'"),
        ({"start": "zeros"}, "`start` must be one of"),
    ],
)
def test_option_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        ClusterScorer(3, **options)
