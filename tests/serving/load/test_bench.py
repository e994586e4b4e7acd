"""The load generator against a running server, and the command."""

import json

import pytest
from pages import Page
from tiny_models import write_version

from ctrmoe.cli import main
from ctrmoe.serving.client import ClientOptions, RestClient
from ctrmoe.serving.load import BenchOptions, Load, Target, bench_serving
from ctrmoe.serving.load.page import comparison


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_every_size_is_measured_without_a_failed_request(scheme, server, test_rows):
    port = server.rest_port if scheme == "http" else server.grpc_port
    target = Target.parse(f"{scheme}://127.0.0.1:{port}/clicks")
    load = Load(seconds=0.2, concurrency=2)

    measured = bench_serving([target], test_rows, BenchOptions(batch_sizes=(1, 40), load=load))

    assert [cell["batch_size"] for cell in measured] == [1, 40]
    for cell in measured:
        assert cell["failed"] == 0
        assert cell["requests"] > 10
        assert cell["rows_s"] == pytest.approx(cell["requests_s"] * cell["batch_size"])
        assert 0 < cell["p50_ms"] <= cell["p99_ms"] <= cell["max_ms"]


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory):
    """A server of a quick version 1 and a slow version 2, and rows for them."""
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    from ctrmoe.serving.models_config import add_model, as_text
    from ctrmoe.serving.server import start

    place, message = tmp_path_factory.mktemp("load"), ModelServerConfig()
    base = place / "shop"
    write_version(base, 1)
    write_version(base, 2, work=60)
    add_model(message, "shop", str(base), versions=(1, 2))
    (place / "models.config").write_text(as_text(message))
    with start(config=place / "models.config", rest_port=0, grpc_port=0) as running:
        address, options = f"http://127.0.0.1:{running.rest_port}", ClientOptions(version=2)
        with RestClient(address, "shop", options) as client:
            client.wait_until_available(30)
        yield running


def test_command_compares_two_versions_and_writes_a_page(two_versions, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text("price\n0.5\n1.5\n")
    place = f"http://127.0.0.1:{two_versions.rest_port}/shop/versions"

    with pytest.raises(SystemExit) as ended:
        main(
            f"bench-serving {place}/1 --against {place}/2 --data {tmp_path / 'rows.csv'} "
            f"--out {tmp_path / 'out'} --batch-sizes 8 --seconds 0.5 --rate 40".split()
        )

    assert (ended.value.code or 0) == 0
    assert f"{place}/2 serving_default, 8 rows: " in capsys.readouterr().out
    measured = json.loads((tmp_path / "out" / "load.json").read_text())["measured"]
    assert [cell["target"][-1] for cell in measured] == ["1", "2"]
    assert comparison(measured)["p50_ms"][0] > 2
    # The address of the server is text on the page, no link.
    page = Page((tmp_path / "out" / "load.html").read_text().replace(place, ""))
    page.assert_needs_no_network()
    assert "Comparison" in page.texts
    assert any("40 requests a second" in text for text in page.texts)


def test_failed_requests_are_told_by_the_exit_code(two_versions, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text("price\n0.5\n")
    place = f"http://127.0.0.1:{two_versions.rest_port}/shop"

    with pytest.raises(SystemExit) as ended:
        main(
            f"bench-serving {place} --data {tmp_path / 'rows.csv'} --batch-sizes 20000 "
            "--seconds 0.3 --concurrency 1".split()
        )

    assert ended.value.code == 3
    assert "FAILED: {'HTTP 400: Task size 20000 is larger than" in capsys.readouterr().out


def test_rows_that_are_none_are_refused(server, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text("item_id\n")
    (tmp_path / "others.csv").write_text("colour\nred\n")
    (tmp_path / "some.csv").write_text("item_id\ni1\n")
    candidates = ["--data", str(tmp_path / "some.csv"), "--candidates", "itemid"]

    for arguments, message in (
        (["--data", str(tmp_path / "others.csv")], "`data` must hold columns that the model reads"),
        (candidates, "`candidates` must be columns of `data`. Received: itemid. Did you mean"),
        (["--signatures", ""], "`signatures` must name at least one. Received: none."),
        (["--out", str(tmp_path / "rows.csv")], "`out` must be a folder."),
        (["--batch-sizes", "0"], "`batch-sizes` must be positive numbers"),
        (["--against", "http://127.0.0.1:1/x"], "http://127.0.0.1:1/x must answer. Received: UNAV"),
        ([], "`data` must hold rows. Received: none."),
    ):
        with pytest.raises(SystemExit) as ended:
            place = f"http://127.0.0.1:{server.rest_port}/clicks"
            data = ["--data", str(tmp_path / "rows.csv")]
            main(["bench-serving", place, *data, *arguments])
        assert ended.value.code == 2
        assert message in capsys.readouterr().err


def test_access_reaches_the_requests(server, test_rows):
    target = Target.parse(f"http://127.0.0.1:{server.rest_port}/clicks")
    options = BenchOptions(
        batch_sizes=(700,),
        load=Load(seconds=0.2, concurrency=1),
        access=ClientOptions(deadline=10.0, api_key="ignored"),
    )

    (cell,) = bench_serving([target], test_rows, options)

    assert cell["failed"] == 0
