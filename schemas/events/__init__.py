"""The six events, one model a file; this package is their registry.

A new event is one module here with one subclass of :class:`~schemas.events.base.Event`:
every module of the package is imported, so nothing lists them a second time.
"""

from __future__ import annotations

import importlib
import pkgutil

from schemas.events.base import Event

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

EVENTS: dict[str, type[Event]] = {model.topic(): model for model in sorted(Event.__subclasses__(), key=lambda m: m.topic())}
"""Topic name -> model, in alphabetical order."""

__all__ = ["EVENTS", "Event"]
