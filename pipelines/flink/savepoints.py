"""Which savepoint an application was last stopped with, so that it can be resumed by its name."""

from __future__ import annotations

import json

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.layout import Layout


def remember(settings: Settings, application: str, savepoint: str) -> None:
    """Notes the savepoint of an application that was stopped."""
    path = Layout.of(settings).flink / "stopped.json"
    noted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(noted | {application: savepoint}, indent=1), encoding="utf-8")


def last(settings: Settings, application: str) -> str:
    """The savepoint that an application was last stopped with.

    Raises:
        UserError: none is known.
    """
    path = Layout.of(settings).flink / "stopped.json"
    noted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if application not in noted:
        known = f"Known: {', '.join(sorted(noted))}." if noted else "None was stopped with a savepoint from here."
        raise UserError(f"No savepoint of {application} is known.", hint=f"{known} Give one with --from PATH, or submit it anew.")
    return str(noted[application])
