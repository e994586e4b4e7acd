import pytest

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.explain import read_sample
from ctrmoe.run import MODEL, Run

MODELS = {
    "autoint": {"interaction": {"kind": "autoint", "num_layers": 2, "num_heads": 2, "key_dim": 4}},
    "infnet": {"interaction": {"kind": "infnet", "num_blocks": 2}},
    "infnet_v2": {"interaction": {"kind": "infnet_v2", "num_blocks": 2, "num_hubs": [3, 2]}},
    "fgcnn": {
        "interaction": {"kind": "fgcnn", "filters": [3, 2], "kernel_size": 3, "new_maps": 2},
        "second_embedding": True,
    },
    "fm": {"fm": True, "wide": True},
    "mixture": {
        "router": {"kind": "linear", "use_bias": True, "selector": {"kind": "top_k", "k": 2}},
        "experts": {"kind": "feed_forward", "num_experts": 4, "units": [5]},
        "mixture": {"by_task": True},
    },
    "clusters": {
        "router": {"kind": "cluster", "start": "random", "seed": 1},
        "experts": {"kind": "product", "num_experts": 3, "units": [4]},
        "towers": "experts",
    },
    "star": {
        "router": {"kind": "domain"},
        "experts": {"kind": "product", "units": [4]},
        "towers": "experts",
    },
}


@pytest.fixture(scope="session")
def make_run(prepared, tmp_path_factory):
    """Returns a function that gives a finished run by the name of its model, each built once.

    Its weights are drawn and not trained: wide enough that no attention is uniform.
    """
    runs = {}

    def make(name):
        if name not in runs:
            model = {"embedding": {"dim": 4}, **MODELS[name]}
            config = Config.from_dict({"data": {"prepared": str(prepared)}, "model": model})
            run = Run.create(tmp_path_factory.mktemp("run") / name, config, Encoder.load(prepared))
            model = run.build_model()
            for weight in model.trainable_weights:
                weight.assign(weight * (20 if "embedding" in weight.path else 1.5))
            model.save(run.folder / MODEL)
            runs[name] = run
        return runs[name]

    return make


@pytest.fixture(scope="session")
def sample(make_run, test_rows):
    """150 of the test rows; the encoding is that of every run on the same prepared folder."""
    return read_sample(make_run("fm"), test_rows, rows=150, seed=1)
