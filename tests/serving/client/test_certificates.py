import grpc
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions
from ctrmoe.serving.client.certificates import tls_context
from ctrmoe.serving.client.channel import open_channel


@pytest.fixture(params=["nonsense", None])
def wrong(request, tmp_path):
    """A file that is no certificate, and one that is not there."""
    path = tmp_path / "file.pem"
    if request.param:
        path.write_text(request.param)
    return path


def test_roots_must_be_certificates(wrong):
    options = ClientOptions(root_certificates=wrong)

    for refusing in (tls_context, lambda of: open_channel(grpc, "127.0.0.1:1", of)):
        with pytest.raises(ConfigError, match=r"`root_certificates` must be a PEM.*file\.pem"):
            refusing(options)


def test_own_certificate_must_be_one_of_a_pair(wrong):
    options = ClientOptions(client_certificate=wrong, client_key=wrong)

    with pytest.raises(ConfigError, match="`client_certificate` and `client_key` must be PEM"):
        tls_context(options)
