"""How much of the gap between one network and the truth routers close, on planted clusters.

    python benchmarks/planted.py             # a few minutes
    python benchmarks/planted.py --record    # writes results/planted.md

The rows are those of `ctrmoe.data.planted`: the label depends on products of features whose signs
are other ones in each hidden cluster, and the AUC of the true probabilities is known. Every model
reads the features only. The plain network has the layers of one expert; the wide one as many
weights as the mixture.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import clocks
import keras
import numpy as np
from sklearn.metrics import normalized_mutual_info_score, roc_auc_score

from ctrmoe.data.planted import PlantedClusters, PlantedRows
from ctrmoe.layers import Mixture, Tower

RESULT = Path(__file__).parent / "results" / "planted.md"
UNITS = [16, 16]
EXPERTS, CLUSTERS = 8, 4
SMALL = 0.05
"""What embeddings are like before they are trained."""
LITERAL = {
    "temperature": 1.0,
    "normalise": False,
    "normalise_batch": False,
    "update": "iteration",
    "start": "random",
    "rescue": False,
}
"""AdaptDHM's routing as in public re-implementations."""
Model = Callable[[Any], Any]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--record", action="store_true", help=f"write results/{RESULT.name}")
    return parser.parse_args()


def tower(units: list[int]) -> Model:
    return lambda x: Tower(units)(x)


def mixture(experts: dict[str, Any], router: dict[str, Any], scale: float = 1.0) -> Model:
    def model(x: Any) -> Any:
        if scale != 1:
            x = keras.layers.Rescaling(scale)(x)
        own = {**experts, "units": [*UNITS, 1]}
        return keras.layers.Reshape(())(Mixture(own, router=router, name="mixture")(x))

    return model


def top_2(**router: Any) -> Model:
    chosen = {"kind": "linear", "selector": {"kind": "top_k", "k": 2}, **router}
    return mixture({"kind": "feed_forward", "num_experts": EXPERTS}, chosen)


def clusters(scale: float = 1.0, **router: Any) -> Model:
    experts = {"kind": "product", "num_experts": CLUSTERS}
    return mixture(experts, {"kind": "cluster", **router}, scale)


MODELS: dict[str, Model] = {
    "one network, the size of an expert": tower(UNITS),
    "one network, the size of all experts": tower([EXPERTS * UNITS[0], UNITS[1]]),
    "top 2 of 8 experts": top_2(),
    "top 2 of 8 experts, noise": top_2(adjusts=[{"kind": "noise", "stddev": 1.0}]),
    "AdaptDHM, 4 clusters": clusters(),
    "AdaptDHM, literal": clusters(**LITERAL),
    f"AdaptDHM, inputs times {SMALL}": clusters(SMALL),
    f"AdaptDHM, literal, inputs times {SMALL}": clusters(SMALL, **LITERAL),
}


def fit(model: Model, train: PlantedRows, epochs: int, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    features = keras.Input(train.features.shape[1:])
    built = keras.Model(features, model(features))
    built.compile(keras.optimizers.Adam(0.003), keras.losses.BinaryCrossentropy(from_logits=True))
    built.fit(train.features, train.label, batch_size=512, epochs=epochs, verbose=0)
    return built


def measure(args: argparse.Namespace, seed: int) -> dict[str, dict[str, float]]:
    """The figures of every model with the truth, the rows and the weights of one seed."""
    truth = PlantedClusters(seed=seed)
    train, test = truth.draw(args.rows, 1), truth.draw(args.rows // 2, 2)
    found: dict[str, dict[str, float]] = {}
    for name, model in MODELS.items():
        built = fit(model, train, args.epochs, seed)
        logits = built.predict(test.features, batch_size=4096, verbose=0)
        found[name] = {"auc": roc_auc_score(test.label, logits)}
        found[name] |= routing_figures(built, test)
        print(seed, name, {key: round(value, 3) for key, value in found[name].items()}, flush=True)
    oracle = roc_auc_score(test.label, test.probability)
    plain = next(iter(found.values()))["auc"]
    for figures in found.values():
        figures["closed"] = (figures["auc"] - plain) / (oracle - plain)
    found["the truth"] = {"auc": oracle, "closed": 1.0}
    return found


def routing_figures(built: keras.Model, test: PlantedRows) -> dict[str, float]:
    """How well the first choices are the hidden clusters, and the shares of the experts."""
    if not any(layer.name == "mixture" for layer in built.layers):
        return {}
    layer = built.get_layer("mixture")
    inputs = keras.Model(built.input, layer.input)(test.features)
    routing = layer.routing(inputs)[0]
    first = np.asarray(routing["index"])[:, 0]
    shares = np.bincount(first, minlength=layer.experts.num_experts) / len(first)
    return {
        "nmi": normalized_mutual_info_score(test.cluster, first),
        "least": shares.min(),
        "most": shares.max(),
    }


def document(seeds: list[dict[str, dict[str, float]]], args: argparse.Namespace) -> str:
    lines = [
        "# Planted clusters",
        "",
        f"{args.rows:,} rows to train, {args.epochs} epochs, 4 clusters in 6 domains; median of "
        f"{len(seeds)} seeds of truth, rows and weights, in brackets the least and the largest. "
        "`closed`: share of the gap between the first network and the truth. `information`: "
        "normalised mutual information of the first choice and the hidden cluster (8 experts that "
        "each belong to one of 4 clusters have 0.8). `loads`: shares of the rows of the least and "
        "the most used expert, the extremes of all seeds.",
        "",
        "| model | AUC | closed | information | loads |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in seeds[0]:
        own = [seed[name] for seed in seeds]
        figures = [
            _spread([one[key] for one in own if key in one]) for key in ("auc", "closed", "nmi")
        ]
        loads = "-"
        if "least" in own[0]:
            loads = f"{min(o['least'] for o in own):.3f} – {max(o['most'] for o in own):.3f}"
        lines.append(f"| {name} | " + " | ".join([*figures, loads]) + " |")
    command = f"--seeds {args.seeds} --rows {args.rows} --epochs {args.epochs}"
    lines += ["", f"`python benchmarks/planted.py {command} --record`, {clocks.machine()}."]
    return "\n".join(lines) + "\n"


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.3f} [{min(values):.3f} – {max(values):.3f}]"


def main() -> None:
    args = arguments()
    text = document([measure(args, seed) for seed in range(args.seeds)], args)
    print(text)
    if args.record:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
