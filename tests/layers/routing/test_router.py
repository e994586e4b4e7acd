import keras
import numpy as np
import pytest

from ctrmoe.layers.routing import Router


def test_parts_run_one_after_the_other(random):
    router = Router(
        4,
        adjusts=[{"kind": "domain_mask", "allowed": [[1, 1, 1, 1], [0, 1, 0, 1]]}],
        selector={"kind": "top_k", "k": 2},
    )
    x = random.normal(size=(6, 3)).astype("float32")
    domain = np.array([0, 1, 0, 1, 1, 0], "int32")

    routing = router(x, {"domain": domain})

    assert set(routing) == {"logits", "probs", "index", "gate"}
    assert set(np.unique(routing["index"][domain == 1])) == {1, 3}
    np.testing.assert_allclose(np.sum(routing["gate"], axis=1), 1, atol=1e-6)


def test_routing_is_float32_in_half_precision(random):
    router = Router(4, "mlp", units=[5], dtype="mixed_float16")

    routing = router(random.normal(size=(6, 3)).astype("float16"))

    assert routing["logits"].dtype == routing["gate"].dtype == "float32"
    assert routing["index"].dtype == "int32"


def test_missing_context_is_named():
    router = Router(2, "domain")

    with pytest.raises(ValueError, match="`context` must hold domain. Received: \\[\\]"):
        router(keras.ops.ones((2, 3)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"selector": {"kind": "top_k", "k": 5}}, "`k` must be at most the number of experts, 4"),
        ({"selector": {"kind": "topk"}}, "Did you mean 'top_k'?"),
        ({"kind": "linear", "bias": True}, "`bias` must be an option of 'linear'"),
        ({"adjusts": [{"kind": "noise", "stddev": -1.0}]}, "`stddev` must not be negative"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        Router(4, **options)(keras.ops.ones((2, 3)))


def test_declared_shapes_are_the_real_ones(random):
    router = Router(4, selector={"kind": "top_p", "p": 0.5, "max_k": 3})

    declared = router(keras.Input((3,)))
    found = router(random.normal(size=(6, 3)).astype("float32"))

    assert {n: (t.shape[1:], t.dtype) for n, t in declared.items()} == {
        n: (tuple(t.shape[1:]), t.dtype.name) for n, t in found.items()
    }
