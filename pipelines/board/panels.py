"""The generated dashboards, and what their panels and variables say now."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from dashboards import DASHBOARDS, GENERATED
from dashboards.fields import Language
from pipelines.errors import UserError
from pipelines.grafana.macros import Selection, bind
from pipelines.grafana.reader import Reader, Result, StatementFailed

_FRESH_SECONDS = 0.5
"""An answer this young serves everyone who asks the same: many open boards cost what one does."""


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

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], _Answer] = {}

    def ask(self, sql: str, selection: Selection) -> Result:
        """The result, or the one that another got a moment ago.

        Raises:
            StatementFailed: ClickHouse refused it or is away.
        """
        statement, parameters = bind(sql, selection)
        key = (statement, json.dumps(parameters, sort_keys=True))
        with self._lock:
            self._answers = {known: answer for known, answer in self._answers.items() if not answer.is_old}
            answer = self._answers.setdefault(key, _Answer())
        with answer.lock:
            if answer.found is None:
                try:
                    answer.found = self._reader.run(statement, parameters)
                except StatementFailed as failed:
                    answer.found = failed
                answer.at = time.monotonic()
        if isinstance(answer.found, StatementFailed):
            raise answer.found
        return answer.found


@dataclass
class _Answer:
    """What a statement gave, or will give to those who wait for the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: Result | StatementFailed | None = None
    at: float | None = None

    @property
    def is_old(self) -> bool:
        return self.at is not None and time.monotonic() - self.at > _FRESH_SECONDS
