"""What a command does to its own process before it begins."""

from __future__ import annotations

import logging
import os


def load_tensorflow() -> None:
    """Loads TensorFlow without the notes that its libraries write to stderr at any log level."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import absl.logging
        import tensorflow

        tensorflow.config.list_physical_devices()  # the search for a GPU writes notes too
        tensorflow.get_logger().setLevel(logging.ERROR)
        # Not the logger's level: TensorFlow sets that anew from this one when it saves a model.
        absl.logging.set_verbosity(absl.logging.ERROR)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def give_freed_memory_back() -> None:
    """Chooses the system's allocator for Arrow: its own keep tens of megabytes that were freed."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
