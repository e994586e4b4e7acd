import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ctrmoe.layers import MLP, AutoInt, RowBlocks, row_blocks

BLOCK = 4


@keras.saving.register_keras_serializable(package="tests")
class Watched(keras.layers.Layer):
    """Multiplies by a weight, notes the rows of every call and adds the losses of its calls."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rows = []

    def build(self, input_shape):
        self.scale = self.add_weight(
            name="scale", shape=(input_shape[-1],), initializer="ones", regularizer="l2"
        )

    def call(self, inputs, training=None):
        self.rows.append(inputs.shape[0])
        out = inputs * self.scale
        if training:
            self.add_loss(keras.ops.mean(keras.ops.square(out)))
        return out

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="tests")
class Blocks(keras.Model):
    """A model without `build`: Keras calls it with symbols when it is reloaded."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = RowBlocks(AutoInt(num_layers=1, key_dim=3), block_size=BLOCK)

    def call(self, inputs):
        return self.blocks(inputs)


@keras.saving.register_keras_serializable(package="tests")
class Pair(keras.layers.Layer):
    """`a + 2 b` of a dictionary."""

    def call(self, inputs, training=None):
        return inputs["a"] + 2.0 * inputs["b"]

    def compute_output_shape(self, input_shape):
        return input_shape["a"]


@pytest.fixture
def tokens(random):
    """Returns a function that draws tokens of three fields."""

    def draw(rows):
        return random.normal(size=(rows, 3, 4)).astype("float32")

    return draw


def wrapped(**options):
    """An AutoInt layer, and the same layer in blocks."""
    layer = AutoInt(num_layers=2, num_heads=2, key_dim=3)
    return layer, RowBlocks(layer, **{"block_size": BLOCK, "compile": "none", **options})


def graph_of(layer, rows):
    return tf.function(layer, input_signature=[tf.TensorSpec((rows, 3, 4), tf.float32)])


@pytest.mark.parametrize("rows", [12, 10, 4, 3, 1])
def test_static_batch_equals_the_layer(tokens, rows):
    layer, blocks = wrapped()
    x = tokens(rows)

    np.testing.assert_allclose(blocks(x), layer(x), atol=1e-5)
    np.testing.assert_allclose(graph_of(blocks, rows)(x), layer(x), atol=1e-5)


@pytest.mark.parametrize("rows", [12, 10])
@pytest.mark.parametrize("compiler", ["auto", "xla"])
def test_compiled_batch_equals_the_layer(tokens, rows, compiler):
    layer, blocks = wrapped(compile=compiler)
    x = tokens(rows)

    np.testing.assert_allclose(graph_of(blocks, rows)(x), layer(x), atol=1e-5)


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_batch_of_unknown_size_equals_the_layer(tokens, compiler):
    layer, blocks = wrapped(compile=compiler)
    graph = graph_of(blocks, None)

    for rows in (12, 10, 0):
        x = tokens(rows)
        assert graph(x).shape == (rows, 3, 6)
        np.testing.assert_allclose(graph(x), layer(x), atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "block_size", "expected"),
    [
        (12, 4, [4]),  # traced once for the three blocks
        (10, 4, [10]),
        (4, 4, [4]),
        (3, 4, [3]),
        (12, 0, [12]),
        (None, 4, [None]),
    ],
)
def test_rows_of_a_block(rows, block_size, expected):
    layer = Watched()
    blocks = RowBlocks(layer, block_size=block_size, compile="none")
    blocks.build((rows, 3, 4))

    graph_of(blocks, rows).get_concrete_function()

    assert layer.rows == expected


def test_auto_takes_the_default_of_the_device(tokens, monkeypatch):
    layer = Watched()
    blocks = RowBlocks(layer)
    devices = dict.fromkeys(("CPU", "GPU", "TPU"), (6, "none"))
    monkeypatch.setattr(row_blocks, "DEFAULTS", devices)

    blocks(tokens(12))

    assert layer.rows == [6]


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_gradients_equal_those_of_the_layer(tokens, compiler):
    layer, blocks = wrapped(compile=compiler)
    x, target = tf.constant(tokens(12)), tokens(12)[..., :1]
    layer.build(x.shape)

    def gradients(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = keras.ops.mean((function(x, training=True) - target) ** 2)
        return tape.gradient(loss, [x, *(w.value for w in layer.trainable_weights)])

    for actual, expected in zip(gradients(blocks), gradients(layer), strict=True):
        assert np.abs(expected).sum() > 0
        np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_every_block_and_call_draws_dropout_anew(compiler):
    blocks = RowBlocks(
        MLP([50], activation="linear", dropout=0.5), block_size=BLOCK, compile=compiler
    )
    x = np.ones((12, 3), "float32")

    first, second = (np.asarray(blocks(x, training=True)) for _ in range(2))

    masks = [(out[i] == 0).tobytes() for out in (first, second) for i in range(12)]
    assert len(set(masks)) == 24
    assert np.mean(first == 0) == pytest.approx(0.5, abs=0.1)
    assert np.all(np.asarray(blocks(x)) != 0)


@pytest.mark.parametrize("compiler", ["none", "xla"])
@pytest.mark.parametrize("rows", [12, 10])
def test_losses_of_the_layer_survive(tokens, compiler, rows):
    layer, plain = Watched(), Watched()
    blocks = RowBlocks(layer, block_size=BLOCK, compile=compiler)
    x = tokens(rows)

    blocks(x, training=True)
    plain(x, training=True)

    # The mean that the call adds, and the regularizer of the weight.
    assert len(blocks.losses) == len(plain.losses) == 2
    assert float(sum(blocks.losses)) == pytest.approx(float(sum(plain.losses)), rel=1e-5)
    blocks(x)
    assert len(blocks.losses) == 1


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_gradient_of_an_added_loss(tokens, compiler):
    layer = Watched()
    blocks = RowBlocks(layer, block_size=BLOCK, compile=compiler)
    x = tokens(12)
    blocks(x)

    with tf.GradientTape() as tape:
        blocks(x, training=True)
        added = blocks.losses[0]
    gradient = tape.gradient(added, layer.scale.value)

    # d mean((x s)²) / ds at s = 1
    np.testing.assert_allclose(gradient, 2 * np.sum(x**2, axis=(0, 1)) / x.size, rtol=1e-5)


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_states_of_the_layer_move(random, compiler):
    layer = MLP([3], batch_normalization=True)
    blocks = RowBlocks(layer, block_size=BLOCK, compile=compiler)
    x = random.normal(size=(8, 2)).astype("float32")
    blocks.build(x.shape)
    before = [state.numpy() for state in layer.non_trainable_variables]

    blocks(x, training=True)

    # Each block moves the mean by a hundredth of the way to its own.
    sums = x @ layer.dense_layers[0].kernel.numpy()
    first, second = sums[:4].mean(axis=0), sums[4:].mean(axis=0)
    mean = layer.norm_layers[0].moving_mean
    np.testing.assert_allclose(mean, 0.99 * 0.01 * first + 0.01 * second, atol=1e-6)
    blocks(x)
    after = [state.numpy() for state in layer.non_trainable_variables]
    assert all(not np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_layer_frozen_after_its_first_call(random):
    layer = MLP([3], batch_normalization=True, dropout=0.5)
    blocks = RowBlocks(layer, block_size=BLOCK, compile="none")
    x = random.normal(size=(8, 3)).astype("float32")
    blocks(x, training=True)
    before = [weight.numpy() for weight in layer.weights]

    blocks.trainable = False
    first, second = (np.asarray(blocks(x, training=True)) for _ in range(2))

    # Statistics stay as they are, while dropout goes on.
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_fit_equals_that_of_the_layer(tokens, compiler):
    x, y = tokens(32), np.arange(32)[:, None] % 2
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8, drop_remainder=True)

    def train(in_blocks):
        keras.utils.set_random_seed(3)
        layer, blocks = wrapped(compile=compiler)
        inputs = keras.Input((3, 4))
        hidden = keras.layers.Flatten()((blocks if in_blocks else layer)(inputs))
        model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
        model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
        return model.fit(data, epochs=3, shuffle=False, verbose=0).history["loss"]

    losses = train(True)

    np.testing.assert_allclose(losses, train(False), atol=1e-5)
    assert losses[-1] < losses[0]


def test_save_and_load_in_a_functional_model(tokens, tmp_path):
    _, blocks = wrapped(compile="xla")
    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, blocks(inputs))
    x = tokens(8)
    expected = model(x)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")

    np.testing.assert_allclose(loaded(x), expected, atol=1e-6)
    copy = loaded.layers[-1]
    assert (copy.block_size, copy.compile) == (BLOCK, "xla")


def test_save_and_load_in_a_model_that_keras_builds(random, tmp_path):
    x = random.normal(size=(2 * BLOCK, 3, 4)).astype("float32")
    model = Blocks()
    before = model(x)

    model.save(tmp_path / "model.keras")

    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), before)


def test_export_serves_batches_of_any_size(tokens, tmp_path):
    layer, blocks = wrapped(compile="xla")
    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, blocks(inputs))
    # A function that was compiled before must not end up in the exported graph.
    model(tokens(8))

    model.export(tmp_path / "1", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "1")

    for rows in (1, 8, 11):
        x = tokens(rows)
        np.testing.assert_allclose(loaded.serve(x), layer(x), atol=1e-5)
    saved = saved_model_pb2.SavedModel.FromString((tmp_path / "1/saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    assert functions
    assert not any(f.attr["_XlaMustCompile"].b for f in functions)


@pytest.mark.parametrize("compiler", ["none", "xla"])
def test_structure_of_inputs(random, compiler):
    blocks = RowBlocks(Pair(), block_size=BLOCK, compile=compiler)
    inputs = {name: random.normal(size=(12, 2)).astype("float32") for name in "ab"}

    out = blocks(inputs)

    np.testing.assert_allclose(out, inputs["a"] + 2 * inputs["b"], rtol=1e-6)
    assert blocks.compute_output_shape({"a": (None, 2), "b": (None, 2)}) == (None, 2)


def test_default_options_equal_the_layer(tokens):
    layer = AutoInt(num_layers=1, num_heads=2, key_dim=3)
    x = tokens(256)

    np.testing.assert_allclose(RowBlocks(layer)(x), layer(x), atol=1e-5)


@pytest.mark.parametrize("block_size", [-1, True, 2.0, "128", None])
def test_block_size_out_of_range(block_size):
    with pytest.raises(ValueError, match="`block_size` must be 'auto' or an integer, .* Received"):
        RowBlocks(MLP([2]), block_size=block_size)


def test_unknown_compiler():
    with pytest.raises(
        ValueError, match="`compile` must be one of 'auto', 'none', 'xla'. Received"
    ):
        RowBlocks(MLP([2]), compile="jit")
