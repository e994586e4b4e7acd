"""What scores files: threads of this process, or the workers of a Ray cluster."""

from ctrmoe.scoring.engines.base import Engine, Outcomes
from ctrmoe.scoring.engines.local import LocalEngine
from ctrmoe.scoring.engines.ray import RayEngine

__all__ = ["ENGINES", "Engine", "Outcomes"]

ENGINES: dict[str, type[Engine]] = {"local": LocalEngine, "ray": RayEngine}
