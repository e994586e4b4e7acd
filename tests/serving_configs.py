"""Parsers of TensorFlow Serving's configuration files that tensorflow-serving-api has none for.

Field names, numbers and types are those of TensorFlow Serving's session_bundle_config.proto,
monitoring_config.proto and ssl_config.proto.
"""

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

FIELD = descriptor_pb2.FieldDescriptorProto
PACKAGE = "ctrmoe.tests.serving"
INT64_VALUE, STRING_VALUE, BOOL_VALUE = (
    f".google.protobuf.{name}Value" for name in ("Int64", "String", "Bool")
)
MESSAGES = {
    "BatchingParameters": [
        ("max_batch_size", 1, INT64_VALUE),
        ("batch_timeout_micros", 2, INT64_VALUE),
        ("max_enqueued_batches", 3, INT64_VALUE),
        ("num_batch_threads", 4, INT64_VALUE),
        ("thread_pool_name", 5, STRING_VALUE),
        ("allowed_batch_sizes", 6, [FIELD.TYPE_INT64]),
        ("pad_variable_length_inputs", 7, FIELD.TYPE_BOOL),
        ("enable_large_batch_splitting", 8, BOOL_VALUE),
        ("max_execution_batch_size", 9, INT64_VALUE),
    ],
    "PrometheusConfig": [("enable", 1, FIELD.TYPE_BOOL), ("path", 2, FIELD.TYPE_STRING)],
    "MonitoringConfig": [("prometheus_config", 1, f".{PACKAGE}.PrometheusConfig")],
    "SSLConfig": [
        ("server_key", 1, FIELD.TYPE_STRING),
        ("server_cert", 2, FIELD.TYPE_STRING),
        ("custom_ca", 3, FIELD.TYPE_STRING),
        ("client_verify", 4, FIELD.TYPE_BOOL),
    ],
}


def parse(message, text):
    """Parses the text of a message of `MESSAGES`; an unknown field is an error."""
    return text_format.Parse(text, _CLASSES[message]())


def _classes():
    file = descriptor_pb2.FileDescriptorProto(
        name="ctrmoe/tests/serving.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            _add_field(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in MESSAGES
    }


def _add_field(message, name, number, kind):
    repeated = isinstance(kind, list)
    kind = kind[0] if repeated else kind
    field = message.field.add(name=name, number=number)
    field.label = FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = FIELD.TYPE_MESSAGE, kind
    else:
        field.type = kind


_CLASSES = _classes()
