import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ctrmoe.export.gradients import GRADIENT, forget_gradients


def library_of(folder):
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0].graph_def.library


def named_gradients(folder):
    functions = library_of(folder).function
    return [node.name for f in functions for node in f.node_def if GRADIENT in node.attr]


def test_export_holds_no_gradients(exported):
    """The attention of the model has one of its own."""
    assert not library_of(exported).registered_gradients
    assert not named_gradients(exported)


def test_loaded_model_has_the_gradient_of_its_operations(tmp_path):
    @tf.custom_gradient
    def square(x):
        return x * x, lambda upstream: 5 * upstream

    @tf.function(input_signature=[tf.TensorSpec((), tf.float32)])
    def serve(x):
        return square(x)

    module = tf.Module()
    module.serve = serve
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(tmp_path), options=options)
    assert named_gradients(tmp_path)

    forget_gradients(tmp_path)

    assert not named_gradients(tmp_path)
    loaded, x = tf.saved_model.load(str(tmp_path)), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loaded.serve(x)
    assert (float(y), float(tape.gradient(y, x))) == (9.0, 6.0)
