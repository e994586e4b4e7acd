"""Versions that come and go while requests run."""

import contextlib
import shutil
import threading

import httpx
import pytest
from tiny_models import probabilities, write_version

from ctrmoe.config import ConfigError

BODY = {"inputs": {"price": [[0.5]]}}


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Three versions of a model, which the tests copy from."""
    base = tmp_path_factory.mktemp("written") / "tiny"
    for version in (1, 2, 3):
        write_version(base, version, bias=float(version))
    return base


@pytest.fixture
def base(versions, tmp_path):
    """A folder with version 1."""
    folder = tmp_path / "tiny"
    publish(versions, folder, 1)
    return folder


def publish(versions, base, version):
    """Publishes a version as `ctrmoe export` does: whole or not at all."""
    partial = base / f".{version}.partial"
    shutil.copytree(versions / str(version), partial)
    partial.rename(base / str(version))


@pytest.fixture
def start_server():
    """Starts servers that poll quickly and closes them after the test."""
    from ctrmoe.serving.server import start

    with contextlib.ExitStack() as opened:

        def make(*arguments, **options):
            ports = {"rest_port": 0, "grpc_port": 0, "poll_seconds": 0.05}
            server = opened.enter_context(start(*arguments, **{**ports, **options}))
            address = f"http://127.0.0.1:{server.rest_port}"
            return server, opened.enter_context(httpx.Client(base_url=address))

        yield make


def states(client, name="tiny"):
    document = client.get(f"/v1/models/{name}").json()
    return {one["version"]: one["state"] for one in document["model_version_status"]}


def wait_for(condition, seconds=20):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("It did not come.")


def test_new_version_takes_over_without_a_failed_request(versions, base, start_server):
    server, client = start_server(base)
    answers, stop = [], threading.Event()

    def ask():
        with httpx.Client(base_url=client.base_url) as own:
            while not stop.is_set():
                response = own.post("/v1/models/tiny:predict", json=BODY)
                answers.append((response.status_code, response.json()))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    publish(versions, base, 2)
    wait_for(lambda: states(client) == {"1": "END", "2": "AVAILABLE"})
    stop.set()
    for thread in threads:
        thread.join()

    assert {status for status, _ in answers} == {200}
    values = {round(answer["outputs"][0][0], 6) for _, answer in answers}
    assert values == {round(float(probabilities([0.5], bias=bias)[0]), 6) for bias in (1, 2)}


def test_half_written_version_is_ignored(versions, base, start_server):
    _, client = start_server(base)
    shutil.copytree(versions / "2", base / "2", ignore=shutil.ignore_patterns("saved_model.pb"))
    (base / "notes").mkdir()
    (base / ".3.partial").mkdir()

    threading.Event().wait(1.5)
    before = states(client)
    shutil.copy(versions / "2" / "saved_model.pb", base / "2")

    assert before == {"1": "AVAILABLE"}
    wait_for(lambda: states(client) == {"1": "END", "2": "AVAILABLE"})


def test_broken_version_leaves_the_old_one_serving(base, start_server):
    _, client = start_server(base)
    (base / "2").mkdir()
    (base / "2" / "saved_model.pb").write_bytes(b"nonsense")

    wait_for(lambda: states(client).get("2") == "END")

    status = client.get("/v1/models/tiny").json()["model_version_status"][0]["status"]
    assert status["error_code"] != "OK"
    assert status["error_message"]
    assert client.get("/v1/models/tiny").status_code == 200
    assert client.post("/v1/models/tiny:predict", json=BODY).status_code == 200
    assert client.post("/v1/models/tiny/versions/2:predict", json=BODY).status_code == 404


def test_broken_version_is_loaded_when_it_is_mended(versions, base, start_server):
    _, client = start_server(base)
    shutil.copytree(versions / "2", base / "2")
    (base / "2" / "saved_model.pb").write_bytes(b"nonsense")
    wait_for(lambda: states(client).get("2") == "END")

    shutil.copy(versions / "2" / "saved_model.pb", base / "2")

    wait_for(lambda: states(client) == {"1": "END", "2": "AVAILABLE"})


def test_link_out_of_the_folder_is_ignored(versions, base, start_server):
    _, client = start_server(base)
    (base / "2").symlink_to(versions / "2")

    threading.Event().wait(0.5)

    assert states(client) == {"1": "AVAILABLE"}


def config_text(*models):
    return "model_config_list {" + " ".join(f"config {{ {model} }}" for model in models) + "}"


def model_text(name, base, more=""):
    return f'name: "{name}" base_path: "{base}" model_platform: "tensorflow" {more}'


def labels_text(**labels):
    return " ".join(f'version_labels {{ key: "{k}" value: {v} }}' for k, v in labels.items())


def test_config_is_followed(versions, base, tmp_path, start_server):
    publish(versions, base, 2)
    publish(versions, base, 3)
    other = tmp_path / "other"
    publish(versions, other, 1)
    path = tmp_path / "models.config"
    specific = "model_version_policy { specific { versions: 1 versions: 2 } }"
    path.write_text(
        config_text(
            model_text("tiny", base, specific + labels_text(stable=1)),
            model_text("other", other, "model_version_policy { all {} }"),
        )
    )

    _, client = start_server(config=path)

    def value(which):
        answer = client.post(f"/v1/models/tiny{which}:predict", json=BODY).json()
        return answer["outputs"][0][0]

    assert states(client) == {"1": "AVAILABLE", "2": "AVAILABLE"}
    assert states(client, "other") == {"1": "AVAILABLE"}
    assert value("/labels/stable") == value("/versions/1") != value("")

    path.write_text(config_text(model_text("tiny", base, specific + labels_text(stable=2))))
    wait_for(lambda: value("/labels/stable") == value("/versions/2"))
    wait_for(lambda: states(client, "other") == {"1": "END"})
    assert client.post("/v1/models/other:predict", json=BODY).status_code == 404

    path.write_text("nonsense")
    threading.Event().wait(0.3)
    assert value("/labels/stable") == value("/versions/2")


def test_reload_by_grpc(versions, base, start_server):
    import grpc
    from google.protobuf import text_format
    from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

    server, client = start_server(base)
    publish(versions, base, 2)
    both = model_text("tiny", base, "model_version_policy { latest { num_versions: 2 } }")

    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)

        def reload(text):
            request = model_management_pb2.ReloadConfigRequest()
            text_format.Parse(text, request.config)
            return stub.HandleReloadConfigRequest(request, timeout=20)

        reload(config_text(both))
        wait_for(lambda: states(client) == {"1": "AVAILABLE", "2": "AVAILABLE"})
        reload(config_text(both + labels_text(canary=2)))
        with pytest.raises(grpc.RpcError) as refused:
            reload(config_text(both + labels_text(canary=7)))
        twice = [model_text("tiny", base)] * 2
        with pytest.raises(grpc.RpcError, match="multiple times"):
            reload(config_text(*twice))

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "not currently available for inference" in refused.value.details()
    assert client.post("/v1/models/tiny/labels/canary:predict", json=BODY).status_code == 200


def test_status_of_a_version_that_can_not_be_loaded_is_200(base, start_server):
    _, client = start_server(base)
    (base / "2").mkdir()
    (base / "2" / "saved_model.pb").write_bytes(b"nonsense")
    wait_for(lambda: states(client).get("2") == "END")

    response = client.get("/v1/models/tiny/versions/2")

    assert response.status_code == 200
    assert response.json()["model_version_status"][0]["state"] == "END"


def test_readiness_reads_states(versions, tmp_path, start_server):
    base = tmp_path / "tiny"
    base.mkdir()
    _, client = start_server(base)
    before = client.get("/readyz").status_code, client.get("/healthz").status_code

    publish(versions, base, 1)

    assert before == (503, 200)
    wait_for(lambda: client.get("/readyz").status_code == 200)


def test_only_version_must_load(base, start_server):
    (base / "1" / "saved_model.pb").write_bytes(b"nonsense")

    with pytest.raises(ConfigError, match="Model tiny can't be loaded: "):
        start_server(base)


def test_folder_of_which_tensorflow_makes_a_pattern(base, tmp_path, start_server):
    copy = shutil.copytree(base, tmp_path / "[old]" / "tiny")

    with pytest.raises(ConfigError, match="Model tiny can't be loaded: .* makes a pattern"):
        start_server(copy)


def test_folder_must_exist(tmp_path, start_server):
    with pytest.raises(ConfigError, match="`base` must be the folder of a model's versions"):
        start_server(tmp_path / "absent")


def test_model_or_config_must_be_given(base, start_server):
    with pytest.raises(ConfigError, match="`base` or `config` must be given, and not both"):
        start_server()
    with pytest.raises(ConfigError, match="`base` or `config` must be given, and not both"):
        start_server(base, config=base)
