"""SavedModels that take raw features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctrmoe.export.options import ExportOptions
from ctrmoe.export.versions import remove_old_versions

if TYPE_CHECKING:
    from ctrmoe.export.saved_model import export

__all__ = ["ExportOptions", "export", "remove_old_versions"]


def __getattr__(name: str) -> Any:
    """Loads TensorFlow with the first use of `export`: manifests and options need none."""
    if name == "export":
        from ctrmoe.export.saved_model import export

        return export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
