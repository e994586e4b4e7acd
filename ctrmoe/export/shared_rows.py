"""A model that computes once what the rows of a request have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops, tree

from ctrmoe.export.first_product_once import FirstProductOnce
from ctrmoe.layers import MLP, FeatureEmbedding


def with_shared_rows(model: keras.Model, features: Collection[str], *, domain: bool) -> keras.Model:
    """Returns a model of the same layers for batches whose rows are alike in some features.

    A layer all of whose inputs are alike in all rows is computed for the first row: the embedding
    of the features, a pooling that reads no candidate, networks of the domain. Its result is
    repeated where it meets one that differs by row. A logit may thus have one row. Of an MLP on all
    tokens the first product is computed once for the tokens that are alike.

    Args:
        model: As `build_model` built it.
        features: Those that are alike in all rows.
        domain: Whether the domain is.
    """
    inputs = {x.name: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in model.inputs}
    calls = _Calls(features)
    if domain and "domain" in inputs:
        calls.replace(inputs["domain"], _FirstRow()(inputs["domain"]))
    return keras.models.clone_model(
        model, input_tensors=inputs, clone_function=lambda layer: layer, call_function=calls
    )


class _Tokens(NamedTuple):
    """Tokens `[B, F, D]` and, of each of the F, whether it is alike in all rows."""

    tensor: Any
    alike: Sequence[bool]


class _Calls:
    """Calls layers anew, each for one row or for all."""

    def __init__(self, features: Collection[str]) -> None:
        self._features = set(features)
        self._single: dict[int, Any] = {}  # tensors of one row; a dictionary keeps the ids taken
        self._replaced: dict[int, Any] = {}
        self._tokens: dict[int, _Tokens] = {}  # by their tensor and by that which lays them flat

    def replace(self, tensor: Any, first_row: Any) -> None:
        self._replaced[id(tensor)] = first_row
        self._single[id(first_row)] = first_row

    def __call__(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, FeatureEmbedding):
            return self._embed(layer, args[0])
        given = tree.map_structure(lambda x: self._replaced.get(id(x), x), (args, kwargs))
        tensors = [x for x in tree.flatten(given) if isinstance(x, keras.KerasTensor)]
        varying = [x for x in tensors if id(x) not in self._single]
        if not varying:
            return self._of_one_row(layer(*given[0], **given[1]))
        tokens = self._tokens.get(id(varying[0]))
        if tokens and 0 < sum(tokens.alike) < len(tokens.alike) and isinstance(layer, MLP):
            return FirstProductOnce(layer, tokens.alike)(tokens.tensor)
        given = tree.map_structure(lambda x: self._for_rows_of(x, varying[0]), given)
        outputs = layer(*given[0], **given[1])
        self._follow(layer, tensors, outputs)
        return outputs

    def _embed(self, layer: FeatureEmbedding, inputs: Any) -> Any:
        names = {field.name for field in layer.fields}
        if names <= self._features:
            first = {name: _FirstRow()(matrix) for name, matrix in inputs.items()}
            return self._of_one_row(layer(first))
        shared = sorted(names & self._features)
        outputs = layer(inputs, shared=shared)
        tokens = outputs["tokens"] if isinstance(outputs, dict) else outputs
        alike = {layer.fields[place].name for place in layer.alike(shared)}
        self._tokens[id(tokens)] = _Tokens(tokens, [name in alike for name in layer.token_names])
        if isinstance(outputs, dict):
            for part in ("sequences", "masks"):
                for name in outputs[part].keys() & self._features:
                    self._of_one_row(outputs[part][name])
        return outputs

    def _follow(self, layer: Any, inputs: Sequence[Any], outputs: Any) -> None:
        """Keeps in sight which tokens are alike, through layers that join them or lay them flat."""
        if isinstance(layer, keras.layers.Flatten) and id(inputs[0]) in self._tokens:
            self._tokens[id(outputs)] = self._tokens[id(inputs[0])]
        if isinstance(layer, keras.layers.Concatenate) and layer.axis == 1 and outputs.ndim == 3:
            alike = [flag for x in inputs for flag in self._alike(x)]
            self._tokens[id(outputs)] = _Tokens(outputs, alike)

    def _alike(self, x: Any) -> Sequence[bool]:
        if id(x) in self._tokens:
            return self._tokens[id(x)].alike
        return [id(x) in self._single] * x.shape[1]

    def _of_one_row(self, outputs: Any) -> Any:
        self._single |= {id(x): x for x in tree.flatten(outputs)}
        return outputs

    def _for_rows_of(self, x: Any, like: Any) -> Any:
        return _Repeat()([x, like]) if id(x) in self._single else x


class _FirstRow(keras.layers.Layer):
    """`[B, …] → [1, …]`, though the number of rows is not told."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})

    def call(self, inputs: Any) -> Any:
        return inputs[:1]

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor(inputs.shape, inputs.dtype)


class _Repeat(keras.layers.Layer):
    """Repeats `[1, …]` for each row of another tensor."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})

    def call(self, inputs: Any) -> Any:
        row, like = inputs
        return ops.broadcast_to(row, (ops.shape(like)[0], *row.shape[1:]))

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor(inputs[0].shape, inputs[0].dtype)
