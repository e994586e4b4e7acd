"""A server that speaks TensorFlow Serving's API: for development, tests and small deployments."""

from __future__ import annotations

from ctrmoe.serving.server.server import Server, serve_models, start
from ctrmoe.serving.server.settings import Settings

__all__ = ["Server", "Settings", "serve_models", "start"]
