import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.optimizers import LazyAdam, SparseAdagrad, SparseFtrl
from ctrmoe.optimizers.sparse_rows import sum_equal_ids

OPTIMIZERS = [SparseAdagrad, LazyAdam, SparseFtrl]
KERAS = {
    SparseAdagrad: keras.optimizers.Adagrad,
    LazyAdam: keras.optimizers.Adam,
    SparseFtrl: keras.optimizers.Ftrl,
}
CLIPPING = [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.1}]


@pytest.mark.parametrize("row_shape", [(), (5,), (2, 3)])
def test_sum_equal_ids_adds_the_rows_of_an_id(row_shape):
    rng = np.random.default_rng(5)
    ids, values = rng.integers(0, 9, 50), rng.normal(size=(50, *row_shape)).astype("float32")
    gradient = tf.IndexedSlices(tf.constant(values), tf.constant(ids))

    summed = sum_equal_ids(gradient, tf.Variable(tf.zeros((12, *row_shape))))

    expected = np.zeros((12, *row_shape))
    for row, value in zip(ids, values, strict=True):
        expected[row] += value
    assert sorted(summed.indices.numpy()) == sorted(set(ids.tolist()))
    np.testing.assert_allclose(
        summed.values.numpy(), expected[summed.indices.numpy()], rtol=1e-5, atol=1e-6
    )


def test_sum_equal_ids_of_an_empty_batch_is_empty():
    gradient = tf.IndexedSlices(tf.zeros((0, 5)), tf.zeros((0,), tf.int32))

    summed = sum_equal_ids(gradient, tf.Variable(tf.zeros((12, 5))))

    assert summed.values.shape == (0, 5)


def test_read_rows_are_written_back_to_tables_of_any_rank(sparse_gradients):
    for row_shape in [(), (2, 3)]:
        table = keras.Variable(np.ones((6, *row_shape), "float32"))
        gradient = tf.IndexedSlices(tf.ones((2, *row_shape)), tf.constant([4, 4]))

        SparseAdagrad(0.5).apply([gradient], [table])

        step = 0.5 * 2 / np.sqrt(0.1 + 2**2)
        np.testing.assert_allclose(table.numpy()[4], np.full(row_shape, 1 - step), rtol=1e-6)
        assert np.all(np.delete(table.numpy(), 4, axis=0) == 1)


def table_sized_operations(optimizer, rows=1237):
    """Names of the operations of a training step whose result is as large as the table."""
    table = keras.Variable(np.zeros((rows, 3), "float32"), name="table")
    dense = keras.Variable(np.ones((3, 1), "float32"), name="dense")
    optimizer.build([table, dense])

    @tf.function
    def step(ids):
        with tf.GradientTape() as tape:
            read = tf.nn.embedding_lookup(table.value, ids)
            loss = optimizer.scale_loss(tf.reduce_sum(tf.matmul(read, dense)))
        optimizer.apply(tape.gradient(loss, [table, dense]), [table, dense])

    graph = step.get_concrete_function(tf.TensorSpec([None], tf.int32)).graph
    definition = graph.as_graph_def(add_shapes=True)
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    return [
        node.op
        for node in nodes
        for shape in node.attr["_output_shapes"].list.shape
        if shape.dim and shape.dim[0].size == rows
    ]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "options", [{}, *CLIPPING, {"weight_decay": 0.1}, {"loss_scale_factor": 8.0}]
)
def test_step_has_no_operation_as_large_as_the_table(optimizer, options):
    assert table_sized_operations(optimizer(0.1, **options)) == []


@pytest.mark.parametrize("options", [{}, {"clipnorm": 0.5}, {"weight_decay": 0.1}])
def test_table_sized_operations_sees_those_of_keras(options):
    assert table_sized_operations(keras.optimizers.Adam(0.1, **options))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("options", CLIPPING)
def test_clipping_equals_keras_on_the_summed_gradient(optimizer, options, sparse_gradients):
    def train(cls, convert):
        table = keras.Variable(np.zeros((40, 3), "float32"))
        weights = keras.Variable(np.zeros((4,), "float32"))
        trained = cls(0.1, **options)
        for gradient in sparse_gradients(ids=[*range(40), *range(40), 3, 3]):
            trained.apply([convert(gradient), 0.3 * tf.ones((4,))], [table, weights])
        return table.numpy(), weights.numpy()

    ours, expected = train(optimizer, lambda g: g), train(KERAS[optimizer], tf.convert_to_tensor)

    np.testing.assert_allclose(ours[0], expected[0], rtol=0, atol=2e-6)
    np.testing.assert_allclose(ours[1], expected[1], rtol=1e-5)


@pytest.mark.parametrize("options", CLIPPING)
def test_clipping_changes_the_update(options, train, sparse_gradients):
    clipped, _ = train(SparseAdagrad(0.1, **options), sparse_gradients(steps=1))

    free, _ = train(SparseAdagrad(0.1), sparse_gradients(steps=1))
    assert np.abs(clipped).sum() < 0.8 * np.abs(free).sum()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_shrinks_the_rows_of_the_batch_only(optimizer, sparse_gradients):
    gradients = sparse_gradients(ids=[3, 3, 8])
    start = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    def train(cls, convert):
        table, weights = keras.Variable(start), keras.Variable(start)
        trained = cls(0.1, weight_decay=0.5)
        for gradient in gradients:
            trained.apply([convert(gradient), tf.ones((40, 3))], [table, weights])
        return table.numpy(), weights.numpy()

    (table, weights), (dense_table, dense_weights) = (
        train(optimizer, lambda g: g),
        train(KERAS[optimizer], tf.convert_to_tensor),
    )

    np.testing.assert_allclose(table[[3, 8]], dense_table[[3, 8]], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(weights, dense_weights)
    untouched = np.delete(np.arange(40), [3, 8])
    assert np.array_equal(table[untouched], start[untouched])
    assert not np.allclose(dense_table[untouched], start[untouched])


def test_variables_excluded_from_weight_decay_do_not_decay():
    tables = [keras.Variable(np.ones((5, 2), "float32"), name=name) for name in ("one", "two")]
    optimizer = SparseAdagrad(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["one"])
    no_change = tf.IndexedSlices(tf.zeros((1, 2)), tf.constant([2]))

    optimizer.apply([no_change, no_change], tables)

    assert np.all(tables[0].numpy() == 1)
    np.testing.assert_allclose(tables[1].numpy()[:, 0], [1, 1, 0.95, 1, 1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_learning_rate_schedule_equals_keras(optimizer, train, sparse_gradients):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)
    gradients = sparse_gradients(ids=[*range(40), 3, 3])

    table, _ = train(optimizer(schedule), gradients)

    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    expected, _ = train(KERAS[optimizer](schedule), dense)
    np.testing.assert_allclose(table, expected, rtol=0, atol=2e-6)
    assert not np.allclose(table, train(optimizer(0.1), gradients)[0], atol=1e-2)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_options_that_touch_whole_tables_are_refused(optimizer):
    with pytest.raises(ValueError, match=r"`use_ema` must be unset .*use_ema=True.*MultiOptimizer"):
        optimizer(0.1, use_ema=True)
    with pytest.raises(
        ValueError, match=r"`gradient_accumulation_steps` must be unset .*=4.*larger batch"
    ):
        optimizer(0.1, gradient_accumulation_steps=4)


def test_loss_scale_is_taken_out_of_the_gradients(train, sparse_gradients):
    scaled = [
        tf.IndexedSlices(g.values * 1024, g.indices, g.dense_shape) for g in sparse_gradients()
    ]

    table, _ = train(SparseAdagrad(0.1, loss_scale_factor=1024.0), scaled)

    expected, _ = train(SparseAdagrad(0.1), sparse_gradients())
    np.testing.assert_array_equal(table, expected)


def test_slots_start_at_their_initial_value_when_the_optimizer_is_built():
    table = keras.Variable(np.ones((40, 3), "float32"))
    adagrad, adam = SparseAdagrad(0.1, initial_accumulator_value=0.25), LazyAdam(0.1)
    assert len(adagrad.variables) == len(adam.variables) == 2  # iteration and learning rate

    adagrad.build([table])
    adam.build([table])

    assert np.all(adagrad.variables[-1].numpy() == 0.25)
    assert [np.abs(v.numpy()).max() for v in adam.variables[-2:]] == [0, 0]
