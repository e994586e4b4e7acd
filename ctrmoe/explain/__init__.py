"""What a trained model looks at: attention, generated features, importance, routing."""

from ctrmoe.explain.attention import attention_weights
from ctrmoe.explain.explainer import explain
from ctrmoe.explain.generated import generated_features
from ctrmoe.explain.importance import permutation_importance
from ctrmoe.explain.sample import Sample, read_sample

__all__ = [
    "Sample",
    "attention_weights",
    "explain",
    "generated_features",
    "permutation_importance",
    "read_sample",
]
