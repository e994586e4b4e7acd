"""Labels of a running server: moved after gates, moved back, and left alone where one fails."""

import json
import math
import shutil
import subprocess
import sys
import time

import pytest
from tiny_models import probabilities

from ctrmoe.cli import main
from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions, RestClient
from ctrmoe.serving.models_config import model_of, read_models_config
from ctrmoe.serving.promotion import PromotionOptions, ServerControl, promote, rollback


def pinned(config):
    model = model_of(read_models_config(config), "shop")
    return list(model.model_version_policy.specific.versions), dict(model.version_labels)


def test_version_that_passes_gets_the_label_and_gives_it_back_in_seconds(
    base, config, running, control
):
    options = ClientOptions(label="stable")
    lines = []
    with RestClient(f"http://127.0.0.1:{running.rest_port}", "shop", options) as client:

        def score():
            return client.predict([{"price": 0}])["click"][0]

        assert client.wait_until_available(5) == 1
        assert score() == pytest.approx(probabilities([0], bias=0.1)[0], abs=1e-6)

        before = promote(base, 2, config, control, tell=lines.append)
        promoted, waited = score(), client.wait_until_available(5)
        after = pinned(config)
        start = time.monotonic()
        back = rollback(base, config, control)
        seconds = time.monotonic() - start

        assert (before, waited, back) == (1, 2, 1)
        assert promoted == pytest.approx(probabilities([0], bias=0.2)[0], abs=1e-6)
        assert after == ([1, 2], {"stable": 2})
        assert score() == pytest.approx(probabilities([0], bias=0.1)[0], abs=1e-6)
        assert seconds < 5
    assert pinned(config) == ([1, 2], {"stable": 1})
    assert config.read_text().startswith("# Ours.\n# Second line.\nmodel_config_list {")
    assert lines[0].startswith("1 golden requests answered to ")
    assert lines[1].startswith("median latency ")
    assert lines[2] == "valid_click_logloss 0.51000, 0.50000 before"
    with pytest.raises(ConfigError, match="must have had the label stable on another version"):
        rollback(base, config, control)


def test_second_label_leaves_the_first_alone(base, config, control):
    before = promote(base, 2, config, control, PromotionOptions(label="canary"))

    assert before is None
    assert pinned(config) == ([1, 2], {"stable": 1, "canary": 2})
    assert control.labelled("shop", "stable") == 1
    assert control.labelled("shop", "canary") == 2


@pytest.mark.parametrize(
    ("version", "options", "message"),
    [
        (9, {}, r"`version` must be one of .*shop\. Received: 9 of \[1, 2, 3, 4\]"),
        (3, {}, r"shop 3 must take at most 1\.5 times as long as 1\. Received: median latency"),
        (4, {}, r"valid_click_logloss of shop 4 must be at most 5% above that of 1\."),
        (
            2,
            {"tolerance": 0.0},
            r"golden requests of shop 2 must be answered to 0\.0\. Received: a",
        ),
        (1, {}, "shop 1 has the label stable already"),
        (2, {"label": "a-b"}, "`label` must consist of letters"),
    ],
)
def test_version_that_fails_a_gate_leaves_file_and_server_as_they_were(
    base, config, control, version, options, message
):
    text = config.read_text()

    with pytest.raises(ConfigError, match=message):
        promote(base, version, config, control, PromotionOptions(**options))

    assert config.read_text() == text
    assert control.labelled("shop", "stable") == 1
    assert not list(config.parent.glob("*.history.json"))


def test_version_that_the_server_does_not_have(base, config, control, tmp_path):
    copied = shutil.copytree(base, tmp_path / "shop")
    shutil.copytree(copied / "2", copied / "9")
    text = config.read_text()

    with pytest.raises(ConfigError, match=r"9 must be AVAILABLE within 0\.2 s\. Received: NOT_F"):
        promote(copied, 9, config, control, PromotionOptions(wait=0.2))

    assert config.read_text() == text


def test_history_that_can_not_be_read_stops_before_anything_is_changed(base, config, control):
    path = config.with_name("models.config.history.json")
    path.write_text("{")
    text = config.read_text()

    with pytest.raises(ConfigError, match="must be what `ctrmoe promote` wrote"):
        promote(base, 2, config, control)

    path.unlink()
    assert config.read_text() == text
    assert control.labelled("shop", "stable") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wait": -1.0}, "`wait` must not be negative. Received: -1"),
        ({"max_slowdown": math.nan}, "`max_slowdown` must not be negative. Received: nan"),
        ({"max_logloss_increase": math.nan}, "`max_logloss_increase` must be a number"),
    ],
)
def test_gate_that_nothing_could_pass_or_fail(options, message):
    with pytest.raises(ConfigError, match=message):
        PromotionOptions(**options)


def test_wrong_golden_answer_is_refused(base, config, control, tmp_path):
    copied = shutil.copytree(base, tmp_path / "shop")
    path = copied / "2" / "assets.extra" / "golden.jsonl"
    line = json.loads(path.read_text())
    line["response"]["outputs"][0][0] += 1e-3
    path.write_text(json.dumps(line))

    with pytest.raises(ConfigError, match=r"a difference of 0\.001 in serving_default"):
        promote(copied, 2, config, control)


def test_version_without_golden_requests_is_refused(base, config, control, tmp_path):
    copied = shutil.copytree(base, tmp_path / "shop")
    (copied / "2" / "assets.extra" / "golden.jsonl").unlink()

    with pytest.raises(ConfigError, match=r"must hold golden requests to be tried.* Export the"):
        promote(copied, 2, config, control)


def test_server_that_is_not_there_is_one_clear_error(base, config):
    text = config.read_text()

    with (
        ServerControl("127.0.0.1:1") as nowhere,
        pytest.raises(ConfigError, match=r"server at 127\.0\.0\.1:1 must answer\. Received: UNAV"),
    ):
        promote(base, 2, config, nowhere)

    assert config.read_text() == text


def test_command_promotes_and_takes_back(base, config, running, capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            server = f"127.0.0.1:{running.grpc_port}"
            main(["promote", str(base), "--config", str(config), "--server", server, *arguments])
        return ended.value.code or 0, capsys.readouterr()

    promoted, printed = call("--version", "2")
    assert promoted == 0
    assert printed.out.endswith("shop: stable is version 2 now, it was 1.\n")
    taken_back, printed = call("--rollback")
    assert (taken_back, printed.out) == (0, "shop: stable is version 1 again.\n")
    refused, printed = call("--version", "4")
    assert refused == 2
    assert printed.err.startswith("error: valid_click_logloss of shop 4 must be")
    for arguments in ((), ("--version", "2", "--rollback")):
        code, printed = call(*arguments)
        assert code == 2
        assert printed.err.startswith("error: Give `--version` or `--rollback`. Received: ")


def test_command_takes_back_without_tensorflow(base, config, running, control):
    promote(base, 2, config, control)
    command = f"""
import sys
from ctrmoe.cli import main
try:
    main({["promote", str(base), "--config", str(config), "--rollback", "--server"]}
         + ["127.0.0.1:{running.grpc_port}"])
finally:
    print("tensorflow" in sys.modules, file=sys.stderr)
"""

    ended = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)

    assert ended.stdout == "shop: stable is version 1 again.\n"
    assert ended.stderr == "False\n"
    assert control.labelled("shop", "stable") == 1
