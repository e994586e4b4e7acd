"""TensorFlow Serving's messages and stubs, without TensorFlow.

They are made of messages that lie in the package `tensorflow`, which takes five seconds and 400 MB
to be imported: a client, or a rollback in an emergency, has no use for the rest of it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def _messages_alone() -> Iterator[None]:
    """Has modules below `tensorflow` imported without the package's own code."""
    found = importlib.util.find_spec("tensorflow")
    if "tensorflow" in sys.modules or found is None:
        yield
        return
    bare = ModuleType("tensorflow")
    bare.__path__ = list(found.submodule_search_locations or ())
    sys.modules["tensorflow"] = bare
    try:
        yield
    finally:
        del sys.modules["tensorflow"]  # whoever wants TensorFlow gets it


with _messages_alone():
    from tensorflow.core.framework.tensor_pb2 import TensorProto as TensorProto
    from tensorflow.core.framework.types_pb2 import DataType as DataType
    from tensorflow_serving.apis.get_model_metadata_pb2 import (
        GetModelMetadataRequest as GetModelMetadataRequest,
    )
    from tensorflow_serving.apis.get_model_status_pb2 import (
        GetModelStatusRequest as GetModelStatusRequest,
    )
    from tensorflow_serving.apis.model_management_pb2 import (
        ReloadConfigRequest as ReloadConfigRequest,
    )
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub as ModelServiceStub
    from tensorflow_serving.apis.predict_pb2 import PredictRequest as PredictRequest
    from tensorflow_serving.apis.predict_pb2 import PredictResponse as PredictResponse
    from tensorflow_serving.apis.prediction_service_pb2_grpc import (
        PredictionServiceStub as PredictionServiceStub,
    )
