"""Finds the interaction inside a trained model, and what flows into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from ctrmoe.layers import INTERACTIONS, RowBlocks


@dataclass(frozen=True, slots=True)
class TrainedInteraction:
    """The interaction of a functional model.

    Args:
        model: The model.
        node: The layer of the model that holds the interaction.
        layer: The interaction itself.
    """

    model: keras.Model
    node: Any
    layer: Any

    @classmethod
    def find(cls, model: keras.Model) -> TrainedInteraction | None:
        """Returns the interaction of a model, None if it has none."""
        for node in model.layers:
            layer = node.layer if isinstance(node, RowBlocks) else node
            # By its kind: other terms of the model, such as FM's, have names of their own.
            if type(layer) is INTERACTIONS.get(layer.name):
                return cls(model, node, layer)
        return None

    @property
    def reads_sequences(self) -> bool:
        """Whether the interaction takes the items of sequences beside the tokens."""
        return not isinstance(self.node, RowBlocks)

    @property
    def fields(self) -> list[str]:
        """The names of the fields whose tokens the interaction reads, in their order."""
        embedding = self.model.get_layer("embedding")
        names = list(embedding.token_names)
        if not (embedding.pool_sequences or self.reads_sequences):
            names += [field.name for field in embedding.fields if field.kind == "sequence"]
        return names

    @property
    def generating_fields(self) -> list[str]:
        """The names of the fields whose tokens FGCNN generates features from."""
        second = [layer for layer in self.model.layers if layer.name == "second_embedding"]
        return list(second[0].token_names) if second else self.fields

    @property
    def positions(self) -> list[str]:
        """The places of the sequences that the interaction reads, the oldest item first."""
        embedding = self.model.get_layer("embedding")
        if embedding.pool_sequences or not self.reads_sequences:
            return []
        fields = [field for field in embedding.fields if field.kind == "sequence"]
        return [f"{field.name} {i + 1}" for field in fields for i in range(field.length)]

    def inner_model(self) -> keras.Model:
        """Returns a model from the packed matrices to what flows into and out of `node`."""
        return keras.Model(self.model.input, (self.node.input, self.node.output))

    def attention(self, inputs: Any) -> list[dict[str, Any]]:
        """Returns the attention weights of each layer for packed matrices, by flow."""
        if not self.reads_sequences:
            tokens = keras.Model(self.model.input, self.node.input)(inputs, training=False)
            return self.layer.attention(tokens)
        embedding = self.model.get_layer("embedding")
        features = {name: inputs[name] for name in inputs if name != "domain"}
        embedded = embedding(features, training=False)
        if embedding.pool_sequences:
            return self.layer.attention(embedded)
        return self.layer.attention(
            embedded["tokens"],
            sequences=list(embedded["sequences"].values()),
            sequences_mask=list(embedded["masks"].values()),
        )
