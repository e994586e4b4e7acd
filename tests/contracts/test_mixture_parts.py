"""What every scorer, adjust, selector, expert bank and balance loss keeps."""

import inspect

import pytest

from ctrmoe.layers.balance import BALANCES
from ctrmoe.layers.experts import EXPERTS
from ctrmoe.layers.routing import ADJUSTS, SCORERS, SELECTORS

REGISTRIES = {
    "scorers": SCORERS,
    "adjusts": ADJUSTS,
    "selectors": SELECTORS,
    "experts": EXPERTS,
    "balance": BALANCES,
}
PARTS = [(folder, kind) for folder, registry in REGISTRIES.items() for kind in registry]
# What the constructor needs of those that have no default.
OPTIONS = {
    "domain_mask": {"allowed": [[1, 0], [1, 1]]},
    "feed_forward": {"num_experts": 2, "units": [3], "activation": "tanh", "dropout": 0.1},
    "gated_linear": {"num_experts": 2, "hidden_units": 3, "units": 4, "activation": "gelu"},
    "product": {"num_experts": 2, "units": [3], "expert_initializer": "zeros"},
    "cluster": {
        "num_experts": 2,
        "temperature": 0.5,
        "normalise": False,
        "momentum": 0.5,
        "iterations": 2,
        "update": "iteration",
        "normalise_batch": False,
        "start": "random",
        "rescue": False,
        "seed": 3,
    },
    "domain": {"num_experts": 2},
    "linear": {"num_experts": 2, "use_bias": True},
    "mlp": {"num_experts": 2, "units": [4], "dropout": 0.2},
    "own_and_shared": {
        "num_experts": 8,
        "num_domains": 3,
        "own_experts": 2,
        "shared_experts": 2,
        "kernel_initializer": "zeros",
    },
    "per_domain": {"num_experts": 2, "num_domains": 3, "kernel_initializer": "zeros"},
    "noise": {"stddev": 0.3, "seed": 4},
    "load_bias": {"update_rate": 0.5},
    "hard": {},
    "softmax": {"temperature": 2.0},
    "top_k": {"k": 1},
    "top_p": {"p": 0.5, "max_k": 2},
    "switch": {"weight": 0.5, "num_domains": 3},
    "z": {"weight": 0.5},
    "importance": {"weight": 0.5},
}


@pytest.mark.parametrize(("folder", "kind"), PARTS)
def test_key_is_the_name_of_the_file(folder, kind):
    assert inspect.getmodule(REGISTRIES[folder][kind]).__name__.split(".")[-2:] == [folder, kind]


@pytest.mark.parametrize(("folder", "kind"), PARTS)
def test_every_part_has_a_test_file(folder, kind, repository):
    below = "" if folder in ("experts", "balance") else "routing/"
    assert (repository / f"tests/layers/{below}{folder}/test_{kind}.py").is_file()


@pytest.mark.parametrize(("folder", "kind"), PARTS)
def test_config_makes_the_same_part_again(folder, kind):
    part = REGISTRIES[folder][kind](**OPTIONS[kind], name="part")

    again = type(part).from_config(part.get_config())

    assert again.get_config() == part.get_config()
    for option in OPTIONS[kind]:
        assert option in part.get_config()
