import pytest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig
from tiny_models import write_version

from ctrmoe.serving.models_config import add_model, as_text

SHOP_METRICS = {"valid_click_logloss": 0.5, "valid_click_auc": 0.7}


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """Versions 1 and 2 of a model, a slow 3, and a 4 with a higher validation logloss."""
    folder = tmp_path_factory.mktemp("promotion") / "shop"
    for version, work, logloss in ((1, 0, 0.5), (2, 0, 0.51), (3, 60, 0.5), (4, 0, 0.6)):
        metrics = SHOP_METRICS | {"valid_click_logloss": logloss}
        write_version(folder, version, bias=version / 10, work=work, metrics=metrics)
    return folder


@pytest.fixture
def config(base, tmp_path):
    """A models.config that serves version 1 as stable."""
    message = ModelServerConfig()
    add_model(message, "shop", str(base), versions=(1,), labels={"stable": 1})
    path = tmp_path / "models.config"
    path.write_text("# Ours.\n# Second line.\n" + as_text(message))
    return path


@pytest.fixture
def running(config):
    """A server that serves by the file."""
    from ctrmoe.serving.server import start

    with start(config=config, rest_port=0, grpc_port=0, poll_seconds=0.1) as server:
        yield server


@pytest.fixture
def control(running):
    """The server's versions and configuration."""
    from ctrmoe.serving.promotion import ServerControl

    with ServerControl(f"127.0.0.1:{running.grpc_port}") as opened:
        yield opened
