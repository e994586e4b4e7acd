"""The devices in the saved graph. No accelerator has run such a graph yet."""

import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

from ctrmoe.export import ExportOptions, export
from ctrmoe.export.manifest import read_manifest
from ctrmoe.scorer import Scorer

CPU = "/device:CPU:0"
LOOKUPS = {"LookupTableFindV2", "ResourceGather", "StringSplitV2", "AsString"}
DENSE = {"MatMul", "BatchMatMulV2", "Einsum", "Sigmoid", "Softmax", "Relu"}


@pytest.fixture(scope="module")
def placed(run, tmp_path_factory):
    """An export for a server with an accelerator."""
    options = ExportOptions(tables="cpu", batch_buckets=[1])
    return export(run, tmp_path_factory.mktemp("placed") / "clicks", options)


def graph_of(folder):
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return saved.meta_graphs[0]


def devices(folder, operations):
    """The devices of all operations of these kinds in the functions of the signatures."""
    functions = graph_of(folder).graph_def.library.function
    nodes = [
        node
        for function in functions
        if not function.signature.name.startswith("__inference_internal_grad")
        for node in function.node_def
    ]
    found = [node for node in nodes if node.op in operations]
    assert {node.op for node in found} & operations
    return {node.device for node in found}


def test_lookups_are_on_the_cpu_and_the_dense_part_is_free(placed):
    assert devices(placed, LOOKUPS) == {CPU}
    assert devices(placed, DENSE) == {""}


def test_tables_are_on_the_cpu_and_other_weights_are_free(placed):
    graph = graph_of(placed)
    in_session = {n.name: n.device for n in graph.graph_def.node if n.op == "VarHandleOp"}
    in_objects = {
        node.variable.name: node.variable.device
        for node in graph.object_graph_def.nodes
        if node.HasField("variable")
    }

    for places in (in_session, in_objects):
        tables = {name for name in places if name.endswith("/table")}
        assert len(tables) == 2
        for name, device in places.items():
            assert device == (CPU if name in tables else ""), name


def test_scores_do_not_depend_on_the_place(placed, run, test_rows):
    """The export has checked itself besides."""
    expected = Scorer.load(run.folder).score(test_rows)

    np.testing.assert_allclose(Scorer.load(placed).score(test_rows), expected, atol=1e-6)
    assert read_manifest(placed)["tables"] == "cpu"


def test_nothing_is_placed_unless_asked(exported):
    assert devices(exported, LOOKUPS | DENSE) == {""}
    handles = [n for n in graph_of(exported).graph_def.node if n.op == "VarHandleOp"]
    assert {node.device for node in handles} == {""}
