import keras
import numpy as np
import pytest

from ctrmoe.training.uncertainty import UncertaintyWeighting

PRIORITIES = {"a": 1.0, "b": 3.0}


def weighting(model, learning_rate):
    fitted = UncertaintyWeighting(model, PRIORITIES)
    fitted.compile(keras.optimizers.SGD(learning_rate))
    return fitted


def test_two_steps_by_hand(two_heads, batch):
    inputs, labels, weights = batch()
    weights["b"][::2] = 0.0  # no label
    weights["a"][labels["a"] > 0] = 4.0  # `positive_weight`
    model = two_heads()
    shared, *towers = (np.array(w, float) for w in model.weights)
    fitted = weighting(model, 0.1)
    s = np.zeros(2)
    for _ in range(2):
        hidden = inputs["x"] @ shared
        loss, gradients = 0.0, []
        for t, (task, priority) in enumerate(PRIORITIES.items()):
            z, y, w = (hidden @ towers[t])[:, 0], labels[task], weights[task]
            own = np.mean(w * (np.log1p(np.exp(z)) - y * z))
            loss += priority * (np.exp(-s[t]) * own + w.mean() * s[t] / 2)
            gradients.append(priority * np.exp(-s[t]) * w * (1 / (1 + np.exp(-z)) - y) / len(z))
            s[t] -= 0.1 * priority * (w.mean() / 2 - np.exp(-s[t]) * own)

        logs = fitted.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

        assert logs["loss"] == pytest.approx(loss, rel=1e-5)
        fitted.reset_metrics()
        update = sum(np.outer(g, u) for g, u in zip(gradients, towers, strict=True))
        shared -= 0.1 * inputs["x"].T @ update
        towers = [u - 0.1 * hidden.T @ g[:, None] for u, g in zip(towers, gradients, strict=True)]

    np.testing.assert_allclose(fitted.log_variances, s, atol=1e-6)
    np.testing.assert_allclose(model.weights[0], shared, atol=1e-6)
    expected = np.array([1.0, 3.0]) * np.exp(-s)
    assert list(fitted.effective_weights().values()) == pytest.approx(list(expected), rel=1e-5)


def test_a_loss_a_hundred_times_as_large_weighs_a_hundredth():
    inputs = keras.Input((3,), name="x")
    scale = {"a": 200.0, "b": 2.0}
    logits = {task: keras.ops.sum(factor * inputs, axis=1) for task, factor in scale.items()}
    fitted = weighting(keras.Model({"x": inputs}, logits), 0.3)
    rows = {"x": np.full((8, 3), 0.5, "float32")}
    labels = {task: np.zeros(8, "float32") for task in scale}

    for _ in range(600):
        logs = fitted.train_on_batch(rows, labels, return_dict=True)

    losses = {task: logs[f"{task}_loss"] for task in scale}
    assert losses["a"] / losses["b"] == pytest.approx(100, rel=0.05)
    # Priorities stay: each task adds its priority, halved.
    for task, weight in fitted.effective_weights().items():
        assert weight * losses[task] == pytest.approx(PRIORITIES[task] / 2, rel=0.01)
