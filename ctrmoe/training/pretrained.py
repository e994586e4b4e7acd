"""Tables that start with pre-trained vectors."""

from __future__ import annotations

import json

import keras

from ctrmoe.data.pretrained import read_vectors
from ctrmoe.files import write_text
from ctrmoe.model_tokens import EMBEDDING
from ctrmoe.run import PRETRAINED, Run


def assign_pretrained(run: Run, model: keras.Model) -> None:
    """Writes the pre-trained vectors of `[model.embedding.features]` into the model's tables.

    Ids without a vector keep their initial value, the reserved ones among them. Which share of each
    vocabulary has one is written into the run folder, as `Run.pretrained`.

    Args:
        run: A run whose training starts; its config names the files.
        model: What `run.build_model` gave.

    Raises:
        SchemaError: If a file does not fit its feature.
    """
    config = run.config.model.embedding
    counts = {}
    for name, options in config.features.items():
        if options.pretrained:
            width = config.dims.get(name, config.dim)
            ids, vectors = read_vectors(options.pretrained, run.encoder, name, width)
            model.get_layer(EMBEDDING).assign_rows(name, ids, vectors)
            values = len(run.encoder.vocabularies[name].values)
            counts[name] = {"values": values, "with_vector": len(ids)}
    if counts:
        write_text(run.folder / PRETRAINED, json.dumps(counts, indent=2))
