"""The kit's files are what the tools that read them take."""

import json
import os
import re
import subprocess

import pytest
import yaml
from example_kit import write_example
from serving_configs import parse

from ctrmoe.config import ConfigError
from ctrmoe.schema import SchemaError
from ctrmoe.serving.kit import KitOptions, write_kit
from ctrmoe.serving.models_config import model_of, read_models_config

BUCKETS = [1, 8, 32, 128, 512]
METRICS = {
    "request_count": {"model_name", "status"},
    "request_latency": {"model_name", "API", "entrypoint"},
    "runtime_latency": {"model_name", "API", "runtime"},
    "model_warmup_latency": {"model_path", "status"},
    "batching_session:queuing_latency": {"thread_pool_name"},
    "batching_session:input_batch_size": set(),
    "batching_session:processed_batch_size": set(),
    "batching_session:padding_size": {"execution_batch_size"},
}
"""Those of TensorFlow Serving 2.20 that the kit uses, with their labels."""


@pytest.fixture
def kit(base, tmp_path):
    write_kit(base, tmp_path / "kit", KitOptions(cores=8))
    return tmp_path / "kit"


def load(path):
    return yaml.safe_load(path.read_text())


def test_models_config_pins_two_versions_and_labels_the_newest(kit):
    config = read_models_config(kit / "config" / "models.config")

    ctr, video = config.model_config_list.config
    assert list(ctr.model_version_policy.specific.versions) == [41, 42]
    assert dict(ctr.version_labels) == {"stable": 42}
    assert (ctr.name, ctr.base_path, ctr.model_platform) == ("ctr", "/models/ctr", "tensorflow")
    assert list(video.model_version_policy.specific.versions) == [1]


def test_latest_versions_are_served_without_labels(base, tmp_path):
    write_kit(base, tmp_path / "kit", KitOptions(latest=3))

    ctr = model_of(read_models_config(tmp_path / "kit" / "config" / "models.config"), "ctr")
    assert ctr.model_version_policy.latest.num_versions == 3
    assert not ctr.version_labels


def test_batches_have_the_sizes_of_the_export(kit):
    batching = parse("BatchingParameters", (kit / "config" / "batching.config").read_text())

    assert list(batching.allowed_batch_sizes) == BUCKETS
    assert batching.max_batch_size.value == batching.max_execution_batch_size.value == 512
    assert batching.num_batch_threads.value == 8
    assert not batching.pad_variable_length_inputs


def test_models_share_the_batch_sizes_that_all_were_warmed_at(base, tmp_path):
    path = base / "video" / "1" / "assets.extra" / "manifest.json"
    path.write_text(json.dumps({"batch_buckets": [8, 64, 128]}))

    write_kit(base, tmp_path / "kit")

    text = (tmp_path / "kit" / "config" / "batching.config").read_text()
    assert list(parse("BatchingParameters", text).allowed_batch_sizes) == [8, 128]


def test_models_without_a_common_batch_size_are_refused(base, tmp_path):
    path = base / "video" / "1" / "assets.extra" / "manifest.json"
    path.write_text(json.dumps({"batch_buckets": [64]}))

    with pytest.raises(ConfigError, match=r"a batch bucket in common\. Received: .*\[64\]"):
        write_kit(base, tmp_path / "kit")
    assert not (tmp_path / "kit").exists()


def test_batching_is_left_out_where_a_model_takes_candidates(candidates, tmp_path):
    write_kit(candidates, tmp_path / "kit")
    write_kit(candidates, tmp_path / "batching", KitOptions(batching=True))

    assert not (tmp_path / "kit" / "config" / "batching.config").exists()
    assert "batching" not in (tmp_path / "kit" / "serve.sh").read_text()
    assert "would refuse `serve_candidates`" in (tmp_path / "kit" / "README.md").read_text()
    assert (tmp_path / "batching" / "config" / "batching.config").exists()


def test_monitoring_and_tls_configurations_parse(kit):
    monitoring = parse("MonitoringConfig", (kit / "config" / "monitoring.config").read_text())
    ssl = parse("SSLConfig", (kit / "config" / "ssl.config.example").read_text())

    assert monitoring.prometheus_config.enable
    assert ssl.server_key.startswith("-----BEGIN PRIVATE KEY-----\n")
    (scrape,) = load(kit / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert scrape["metrics_path"] == monitoring.prometheus_config.path


def test_start_script_passes_files_that_exist_and_further_flags(kit, tmp_path):
    server = tmp_path / "bin" / "tensorflow_model_server"
    server.parent.mkdir()
    server.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    server.chmod(0o755)
    paths = f"{server.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": paths, "CONFIG_DIR": str(kit / "config"), "REST_PORT": "9501"}
    (kit / "config" / "ssl.config").write_text("")

    printed = subprocess.run(
        [kit / "serve.sh", "--port=1"], env=environment, capture_output=True, text=True, check=True
    )

    lines = printed.stdout.split()
    flags = dict(line.removeprefix("--").split("=", 1) for line in lines)
    files = {name: value for name, value in flags.items() if name.endswith("_file")}
    assert set(files) == {
        "model_config_file",
        "batching_parameters_file",
        "monitoring_config_file",
        "ssl_config_file",
    }
    assert all(os.path.isfile(path) for path in files.values())
    assert flags["enable_batching"] == flags["enable_model_warmup"] == "true"
    assert flags["allow_version_labels_for_unavailable_models"] == "true"
    assert flags["rest_api_port"] == "9501"
    assert flags["tensorflow_intra_op_parallelism"] == "8"
    assert lines[-1] == "--port=1"


def test_compose_mounts_models_and_reads_the_state(kit, base):
    services = load(kit / "compose.yaml")["services"]

    serving = services["serving"]
    mounted = serving["volumes"][0].removeprefix("${MODELS:-").removesuffix("}:/models:ro")
    assert (kit / mounted).resolve() == base.resolve()
    assert serving["healthcheck"]["test"] == ["CMD", "/usr/local/bin/probe.sh", "ctr", "video"]
    assert all(port.startswith("127.0.0.1:") for port in serving["ports"])
    assert serving["deploy"]["resources"]["limits"] == {"cpus": "8", "memory": "768M"}
    assert services["nginx"]["profiles"] == ["tls"]
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("./") or (kit / source).is_dir()


def test_container_starts_the_script_with_the_configuration(kit):
    lines = (kit / "Dockerfile").read_text().splitlines()

    assert lines[0] == "ARG SERVING_IMAGE=tensorflow/serving:2.20.0"
    assert 'ENTRYPOINT ["/usr/local/bin/serve.sh"]' in lines
    for source in next(line for line in lines if "/usr/local/bin/" in line).split()[1:-1]:
        assert os.access(kit / source, os.X_OK)


def test_kubernetes_probes_read_the_state(kit):
    config, deployment, service, budget = yaml.safe_load_all(
        (kit / "kubernetes" / "serving.yaml").read_text()
    )

    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probe = {"command": ["/usr/local/bin/probe.sh", "ctr", "video"]}
    assert container["startupProbe"]["exec"] == container["readinessProbe"]["exec"] == probe
    assert container["livenessProbe"]["grpc"] == {"port": 8500, "service": "PredictionService"}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for kind in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"]):
        assert kind == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    names = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == names
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {v["name"] for v in deployment["spec"]["template"]["spec"]["volumes"]}
    assert config["data"] == {
        path.name: path.read_text() for path in (kit / "config").glob("*.config")
    }


def test_dashboard_and_alerts_name_metrics_of_the_server(kit):
    dashboard = json.loads((kit / "grafana" / "dashboards" / "serving.json").read_text())
    (group,) = load(kit / "prometheus" / "alerts.yml")["groups"]
    texts = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    texts += [rule["expr"] for rule in group["rules"]]

    named = set()
    for text in texts:
        for name, labels in re.findall(r":tensorflow:serving:([\w:]+)(?:\{([^}]*)\})?", text):
            metric = re.sub("_(bucket|sum|count)$", "", name)
            metric = name if name in METRICS else metric
            named.add(metric)
            assert set(re.findall(r"(\w+)[!=]", labels)) <= METRICS[metric], text
        by = re.findall(r"by \(([^)]*)\)", text)
        used = {label.strip() for group in by for label in group.split(",")} - {"le"}
        assert used <= set().union(*METRICS.values())

    assert named == set(METRICS)
    source = load(kit / "grafana" / "provisioning" / "datasources" / "prometheus.yml")
    uid = source["datasources"][0]["uid"]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {uid}


@pytest.mark.parametrize("image", ["", "serving; ls", "a\nb"])
def test_name_that_no_image_has_is_refused(image):
    with pytest.raises(ConfigError, match="`image` must be the name of an image, such as tensor"):
        KitOptions(image=image)


def test_folder_that_holds_something_is_refused(base, tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "mine").write_text("")

    with pytest.raises(SchemaError, match="must be empty or not exist"):
        write_kit(base, tmp_path / "kit")


def test_example_in_the_repository_is_what_the_command_writes(tmp_path, repository):
    """After a change of the templates: `python tests/example_kit.py`."""
    write_example(tmp_path)

    def contents(folder):
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_text() for path in files}

    assert contents(tmp_path / "serving" / "kit") == contents(repository / "serving" / "kit")
