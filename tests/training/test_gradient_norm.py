import keras
import numpy as np
import pytest

from ctrmoe.training.gradient_norm import RATE, GradientNormWeighting

PRIORITIES = {"a": 1.0, "b": 3.0}


def weighting(model, *, priorities=PRIORITIES, alpha=1.5, learning_rate=0.1):
    fitted = GradientNormWeighting(model, priorities, alpha)
    fitted.compile(keras.optimizers.SGD(learning_rate))
    return fitted


def step_by_hand(inputs, labels, weights, state, alpha):
    """One step of the equations for `two_heads`; returns the loss and the gradients' norms."""
    hidden = inputs["x"] @ state["shared"]
    losses, shares, gradients = [], [], []
    for tower, task in zip(state["towers"], labels, strict=True):
        z, y, w = (hidden @ tower)[:, 0], labels[task], weights[task]
        losses.append(np.mean(w * (np.log1p(np.exp(z)) - y * z)))
        shares.append(w.mean())
        gradients.append(np.outer(w * (1 / (1 + np.exp(-z)) - y) / len(z), tower))
    of_logits = [g @ u / (u.T @ u) for g, u in zip(gradients, state["towers"], strict=True)]
    norms = np.array([np.linalg.norm(gradient) for gradient in gradients])
    w, priorities = state["weights"], np.array(list(PRIORITIES.values()))
    means = np.array(losses) / np.array(shares)
    state.setdefault("first", means)
    progress = means / state["first"]
    rates = progress / progress.mean()
    weighted = w * norms
    change = np.sign(weighted - weighted.mean() * rates**alpha) * weighted / weighted.mean()
    loss = np.sum(priorities * w * losses)
    total = sum(p * v * g for p, v, g in zip(priorities, w, gradients, strict=True))
    state["shared"] = state["shared"] - 0.1 * inputs["x"].T @ total
    state["towers"] = [
        u - 0.1 * p * v * hidden.T @ g
        for u, p, v, g in zip(state["towers"], priorities, w, of_logits, strict=True)
    ]
    w = w * np.exp(-RATE * change)
    state["weights"] = 2 * w / w.sum()
    return loss, norms


@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_three_steps_by_hand(two_heads, batch, alpha):
    model = two_heads()
    shared, *towers = (np.array(w, float) for w in model.weights)
    fitted = weighting(model, alpha=alpha)
    state = {"shared": shared, "towers": towers, "weights": np.ones(2)}
    for step in range(3):
        inputs, labels, weights = batch(seed=step)
        weights["b"][::2] = 0.0
        weights["a"][labels["a"] > 0] = 4.0
        loss, _ = step_by_hand(inputs, labels, weights, state, alpha)

        logs = fitted.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

        fitted.reset_metrics()
        assert logs["loss"] == pytest.approx(loss, rel=1e-5)
        np.testing.assert_allclose(fitted.balancing_weights, state["weights"], rtol=1e-5)
    np.testing.assert_allclose(model.weights[0], state["shared"], atol=1e-6)
    expected = np.array([1.0, 3.0]) * state["weights"]
    assert list(fitted.effective_weights().values()) == pytest.approx(list(expected), rel=1e-5)
    assert abs(state["weights"][0] - 1) > 0.01


def test_a_loss_a_hundred_times_as_large_pulls_no_harder(two_heads, batch):
    inputs, labels, weights = batch(64, weights=(100.0, 1.0))
    model = two_heads()
    fitted = weighting(model, priorities={"a": 1.0, "b": 1.0}, alpha=0.0, learning_rate=0.0)
    shared, *towers = (np.array(w, float) for w in model.weights)
    state = {"shared": shared, "towers": towers, "weights": np.ones(2)}
    _, norms = step_by_hand(inputs, labels, weights, state, 0.0)

    for _ in range(400):
        fitted.train_on_batch(inputs, labels, sample_weight=weights)

    balanced = fitted.effective_weights()
    pulls = np.array(list(balanced.values())) * norms
    assert norms[0] / norms[1] > 20
    assert pulls[0] / pulls[1] == pytest.approx(1, abs=3 * RATE)
    assert sum(balanced.values()) == pytest.approx(2, rel=1e-5)


def test_a_task_that_trains_slower_is_preferred(two_heads, batch):
    inputs, labels, weights = batch(256)
    # What `a` asks for can be learned, what `b` asks for cannot.
    labels["a"] = (inputs["x"][:, 0] > 0).astype("float32")
    shares = {}
    for alpha in (0.0, 1.5):
        fitted = weighting(two_heads(), priorities={"a": 1.0, "b": 1.0}, alpha=alpha)
        for _ in range(200):
            fitted.train_on_batch(inputs, labels, sample_weight=weights)
        shares[alpha] = fitted.effective_weights()["b"]

    assert shares[1.5] > shares[0.0] + 0.05
