"""A mixture of experts over several domains with plain Keras `fit`: the script to copy and change.

    python pipelines/train_multi_domain.py PREPARED --out model.keras --router per_domain
    python pipelines/train_multi_domain.py PREPARED --out model.keras --router cluster

PREPARED is a folder that `ctrmoe prepare` wrote for a schema with a `domain`. With the router
`per_domain` this is MMoE: each domain weighs shared experts. With `cluster` rows find their
experts by themselves, as in AdaptDHM. `ctrmoe train` builds the same, and more, from TOML files.
"""

import argparse
from pathlib import Path

import keras

from ctrmoe.data.dataset import TrainingFeed
from ctrmoe.data.encode import Encoder
from ctrmoe.layers import DomainIndex, DomainTower, FeatureEmbedding, Field, Mixture
from ctrmoe.losses import LogisticLoss
from ctrmoe.optimizers import LazyAdam
from ctrmoe.training import ValidationMetrics


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--out", type=Path, default=Path("model.keras"))
    parser.add_argument("--router", choices=["per_domain", "cluster", "linear"], default="cluster")
    parser.add_argument("--experts", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    keras.utils.set_random_seed(options.seed)

    # 1. The data: packed matrices and the domain of each row, shuffled anew in every epoch.
    encoder = Encoder.load(options.prepared)
    schema, num_domains = encoder.schema, encoder.num_domains
    if not num_domains:
        raise SystemExit(f"The schema of {options.prepared} must name a `domain`.")
    feed = TrainingFeed(
        options.prepared / "train",
        schema,
        batch_size=options.batch_size,
        seed=options.seed,
        reads_domain=True,
    )

    # 2. The model: features ─► embedding ─► mixture (router × experts) ─► towers ─► logits.
    inputs = {
        name: keras.Input((width,), dtype=dtype, name=name)
        for name, (width, dtype) in schema.packed(reads_domain=True).items()
    }
    features = {name: tensor for name, tensor in inputs.items() if name != "domain"}
    tokens = FeatureEmbedding([Field(**field) for field in encoder.fields()], 16)(features)
    x = keras.layers.Flatten()(tokens)
    # Some domains are hidden while training: rows of unknown domains are served by what that gives.
    domain = DomainIndex(num_domains, dropout=0.05)(inputs["domain"])
    router = {"kind": options.router}
    if options.router == "per_domain":
        router["num_domains"] = num_domains
    mixture = Mixture(
        {"kind": "feed_forward", "num_experts": options.experts, "units": [256, 128]},
        router=router,
        balance=[{"kind": "switch", "weight": 0.01, "num_domains": num_domains}],
    )
    hidden = keras.layers.ReLU()(mixture(x, {"domain": domain}))
    logits = {
        task.name: DomainTower(num_domains, [64], name=task.name)(hidden, domain)
        for task in schema.tasks
    }
    model = keras.Model(inputs, logits)
    model.summary()

    # 3. The training: one loss a task, and the mixture's own; exact AUC on the validation part.
    model.compile(
        LazyAdam(options.learning_rate),
        loss={task: LogisticLoss() for task in logits},
        jit_compile=False,
    )
    model.fit(
        feed.dataset(),
        steps_per_epoch=feed.steps_per_epoch,
        epochs=options.epochs,
        shuffle=False,  # the feed has shuffled already
        callbacks=[
            ValidationMetrics(options.prepared / "valid", schema),
            keras.callbacks.EarlyStopping(
                "valid_auc", mode="max", patience=1, restore_best_weights=True
            ),
        ],
        verbose=2,
    )
    model.save(options.out)
    print(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
