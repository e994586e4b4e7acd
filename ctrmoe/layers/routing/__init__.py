"""Routers: which experts a row is sent to, and with which weights."""

from ctrmoe.layers.routing.adjusts import ADJUSTS
from ctrmoe.layers.routing.router import Router
from ctrmoe.layers.routing.scorers import SCORERS
from ctrmoe.layers.routing.selectors import SELECTORS

__all__ = ["ADJUSTS", "SCORERS", "SELECTORS", "Router"]
