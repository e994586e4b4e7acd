import sys
from pathlib import Path

import hypothesis
import polars as pl
import pytest

from ctrmoe.config import Config
from ctrmoe.data.synthetic import SyntheticClicks

# The same examples in every run, and no limit on the time of one: a busy machine is no failure.
hypothesis.settings.register_profile("project", derandomize=True, deadline=None)
hypothesis.settings.load_profile("project")

TRAIN_ROWS, VALID_ROWS, TEST_ROWS = 2_000, 600, 700


@pytest.fixture(autouse=True)
def _nothing_left_of_earlier_trainings():
    """A training makes TensorFlow deterministic for the process: no test depends on its order."""
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework.config import disable_op_determinism

        disable_op_determinism()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="module")
def ray():
    """Ray with a cluster on this machine."""
    ray = pytest.importorskip("ray")
    from ctrmoe.cluster import cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        with cluster(ray):
            yield ray
    assert not ray.is_initialized()


@pytest.fixture(scope="session")
def clicks() -> SyntheticClicks:
    """Clicks in three domains with small vocabularies, so that a few steps learn something."""
    return SyntheticClicks(
        seed=3,
        num_domains=3,
        tasks={"click": 0.4, "conversion": 0.2},
        vocabulary_sizes={"user_id": 50, "item_id": 30, "category": 8},
        max_history=5,
        main_effect=1.5,
    )


@pytest.fixture(scope="session")
def test_rows(clicks) -> pl.DataFrame:
    """Raw rows that neither training nor validation saw."""
    return clicks.frame(TEST_ROWS, start=TRAIN_ROWS + VALID_ROWS)


@pytest.fixture(scope="session")
def prepared(clicks, tmp_path_factory) -> Path:
    """A prepared folder of synthetic clicks: features of every kind, two tasks."""
    from ctrmoe.data.prepare import prepare

    out = tmp_path_factory.mktemp("clicks") / "prepared"
    valid = clicks.frame(VALID_ROWS, start=TRAIN_ROWS)
    prepare(clicks.schema(), clicks.frame(TRAIN_ROWS), valid=valid, out=out)
    return out


@pytest.fixture(scope="session")
def run(prepared, tmp_path_factory):
    """A trained run on `prepared`."""
    from ctrmoe.training import train

    config = Config.from_dict(
        {
            "data": {"prepared": str(prepared)},
            "model": {
                "embedding": {"dim": 4},
                "interaction": {"kind": "autoint", "num_layers": 1, "num_heads": 2, "key_dim": 4},
                "deep": {"units": [8]},
                "wide": True,
            },
            "train": {"epochs": 1, "batch_size": 128, "learning_rate": 0.01},
        }
    )
    return train(config, tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="session")
def exported(run, tmp_path_factory) -> Path:
    """The first version of `run`'s export, below `models/clicks`."""
    from ctrmoe.export import export

    return export(run, tmp_path_factory.mktemp("models") / "clicks")
