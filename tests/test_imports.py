"""What importing costs, and what a wheel holds."""

import subprocess
import sys
import zipfile

import pytest

NAMES = ("tensorflow", "keras", "torch", "ray")
HEAVY = f"import sys; print([name for name in {NAMES} if name in sys.modules])"


@pytest.mark.parametrize(
    "statement",
    [
        "import ctrmoe",
        "import ctrmoe.cli",
        "import ctrmoe.schema, ctrmoe.config, ctrmoe.console",
        "import ctrmoe.data.prepare, ctrmoe.data.encode, ctrmoe.data.infer, ctrmoe.metrics",
        "import ctrmoe.ranking, ctrmoe.ranking.summary",
        "import ctrmoe.ranking.quality",
        "import ctrmoe.calibration",
    ],
)
def test_import_loads_no_tensorflow(statement):
    code = f"{statement}\n{HEAVY}"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert printed.stdout.strip() == "[]", printed.stderr


def test_help_loads_no_tensorflow_and_lists_the_commands():
    code = (
        "import sys\nfrom ctrmoe.cli import main\n"
        f"try:\n    main(['--help'])\nexcept SystemExit:\n    {HEAVY}"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert printed.stdout.strip().endswith("[]"), printed.stderr
    commands = (
        "demo infer prepare rank check train tune evaluate calibrate explain export score "
        "serve serving-config promote bench-serving"
    )
    for command in commands.split():
        assert command in printed.stdout


@pytest.mark.slow
def test_wheel_holds_the_package_only(tmp_path, repository):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, "."],
        cwd=repository,
        check=True,
        capture_output=True,
    )

    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()

    tops = {name.split("/")[0] for name in names}
    assert tops == {"ctrmoe", next(top for top in tops if top.endswith(".dist-info"))}
    assert "ctrmoe/py.typed" in names
    assert "ctrmoe/report/page.html" in names
    assert "ctrmoe/serving/kit/templates/compose.yaml.jinja" in names
    assert "ctrmoe/serving/kit/templates/grafana/provisioning/dashboards/serving.yml" in names
    assert "ctrmoe/sample/census_income/train.parquet" in names
