import pytest
from tensorflow.core.protobuf import saved_model_pb2

from ctrmoe.export.model_file import edited


@pytest.fixture
def folder(tmp_path):
    saved = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    saved.meta_graphs.add().signature_def["one"].method_name = "predict"
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())
    return tmp_path


def read(folder):
    return saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())


def test_edits_are_written_and_the_rest_stays(folder):
    with edited(folder) as (graph,):
        graph.signature_def["one"].method_name = "classify"
    saved = read(folder)
    assert saved.meta_graphs[0].signature_def["one"].method_name == "classify"
    assert saved.saved_model_schema_version == 1


def test_nothing_is_written_after_an_error(folder):
    before = (folder / "saved_model.pb").read_bytes()
    with pytest.raises(KeyError), edited(folder) as (graph,):
        graph.signature_def["one"].method_name = "classify"
        raise KeyError
    assert (folder / "saved_model.pb").read_bytes() == before
