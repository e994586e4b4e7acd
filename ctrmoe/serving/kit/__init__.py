"""The files that TensorFlow Serving needs to serve exported models."""

from ctrmoe.serving.kit.served_model import ServedModel as ServedModel
from ctrmoe.serving.kit.served_model import find_models as find_models
from ctrmoe.serving.kit.write import KitOptions as KitOptions
from ctrmoe.serving.kit.write import write_kit as write_kit
