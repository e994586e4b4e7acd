"""SavedModels that take raw features."""

from __future__ import annotations

from ctrmoe.export.saved_model import export

__all__ = ["export"]
