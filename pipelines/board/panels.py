"""The generated dashboards, and what their panels and variables say now."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dashboards import DASHBOARDS
from dashboards.fields import Language
from pipelines.errors import UserError
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader, Result, StatementFailed

GENERATED = Path(__file__).parent.parent.parent / "dashboards" / "generated"

_FRESH_SECONDS = 0.5
"""An answer this young serves everyone who asks the same: many open boards cost what one does."""
_KEPT = 500


class NotFound(UserError):
    """There is no such dashboard, panel or variable."""


class Dashboards:
    """The dashboards of one language, as the files are."""

    def __init__(self, language: Language) -> None:
        """Reads the files.

        Raises:
            UserError: a file is missing.
        """
        self._by_uid: dict[str, dict[str, Any]] = {}
        for name in DASHBOARDS:
            path = GENERATED / language / f"{name}.json"
            try:
                model = json.loads(path.read_text(encoding="utf-8"))
            except FileNotFoundError as error:
                raise UserError(f"{path} is missing.", "Write it: livepulse dashboards build") from error
            self._by_uid[model["uid"]] = model

    def titles(self) -> list[dict[str, str]]:
        """Uid and title of each, in their order."""
        return [{"uid": uid, "title": model["title"]} for uid, model in self._by_uid.items()]

    def model(self, uid: str) -> dict[str, Any]:
        """The file of a dashboard.

        Raises:
            NotFound: there is none.
        """
        if uid not in self._by_uid:
            raise NotFound(f"There is no dashboard {uid}.")
        return self._by_uid[uid]

    def statement(self, uid: str, panel: int) -> str:
        """The SQL of a panel."""
        for found in self.model(uid)["panels"]:
            if found["id"] == panel:
                sql: str = found["targets"][0]["rawSql"]
                return sql
        raise NotFound(f"The dashboard {uid} has no panel {panel}.")

    def variable(self, uid: str, name: str) -> str:
        """The SQL of a variable's options."""
        for found in self.model(uid)["templating"]["list"]:
            if found["name"] == name and found["type"] == "query":
                sql: str = found["query"]
                return sql
        raise NotFound(f"The dashboard {uid} has no variable {name}.")


class Answers:
    """Runs statements, each at most twice a second for the same selection."""

    def __init__(self, reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader, self._clock = reader, clock
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], threading.Lock] = {}
        self._known: dict[tuple[str, str], tuple[float, Result | StatementFailed]] = {}

    def ask(self, sql: str, selection: Selection) -> Result:
        """The result, or the one that another got a moment ago.

        Raises:
            StatementFailed: ClickHouse refused it or is away.
        """
        statement, parameters = bind(sql, selection)
        key = (statement, json.dumps(parameters, sort_keys=True))
        with self._lock:
            running = self._running.setdefault(key, threading.Lock())
        with running:
            known = self._known.get(key)
            if known is None or self._clock() - known[0] > _FRESH_SECONDS:
                known = self._run(statement, parameters)
                with self._lock:
                    self._known[key] = known
                    self._forget()
        answer = known[1]
        if isinstance(answer, StatementFailed):
            raise answer
        return answer

    def _run(self, statement: str, parameters: dict[str, object]) -> tuple[float, Result | StatementFailed]:
        try:
            answer: Result | StatementFailed = self._reader.run(statement, parameters)
        except StatementFailed as failed:
            answer = failed
        return self._clock(), answer

    def _forget(self) -> None:
        while len(self._known) > _KEPT:
            oldest = min(self._known, key=lambda key: self._known[key][0])
            del self._known[oldest]
            self._running.pop(oldest, None)


def as_json(result: Result) -> dict[str, Any]:
    """What the page gets."""
    return asdict(result)
