"""AutoInt with plain Keras `fit`: the script to copy and change.

    python pipelines/train_autoint.py PREPARED --out model.keras --epochs 3

PREPARED is a folder that `ctrmoe prepare` wrote. The model is built by hand here, so that every
part can be exchanged; `ctrmoe train` builds the same from a TOML file and adds resuming.
"""

import argparse
from pathlib import Path

import keras

from ctrmoe.data.dataset import TrainingFeed
from ctrmoe.data.encode import Encoder
from ctrmoe.layers import AutoInt, FeatureEmbedding, Field, RowBlocks, Tower
from ctrmoe.losses import LogisticLoss
from ctrmoe.optimizers import LazyAdam
from ctrmoe.training import ValidationMetrics


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--out", type=Path, default=Path("model.keras"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    keras.utils.set_random_seed(options.seed)

    # 1. The data: packed matrices, shuffled anew in every epoch.
    encoder = Encoder.load(options.prepared)
    schema = encoder.schema
    feed = TrainingFeed(
        options.prepared / "train", schema, batch_size=options.batch_size, seed=options.seed
    )

    # 2. The model: features ─► embedding ─► interaction ─► towers ─► logits.
    inputs = {
        name: keras.Input((width,), dtype=dtype, name=name)
        for name, (width, dtype) in schema.input_widths.items()
    }
    tokens = FeatureEmbedding([Field(**field) for field in encoder.fields()], 16)(inputs)
    hidden = RowBlocks(AutoInt(num_layers=3, num_heads=2, key_dim=32))(tokens)
    logits = {task.name: Tower(name=task.name)(hidden) for task in schema.tasks}
    model = keras.Model(inputs, logits)
    model.summary()

    # 3. The training: one loss a task, tables updated row by row, exact AUC on the validation part.
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
