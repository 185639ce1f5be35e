"""Stopping an application by Flink's REST interface, where that does not go as it should."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.flink import savepoints
from pipelines.flink.rest import Application
from pipelines.settings import Settings


class NoAnswer(BaseHTTPRequestHandler):
    """A JobManager that goes away while it is asked to stop an application, which it does all the same."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"execution-config": {"user-config": {}}}).encode())

    def do_POST(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests' output is not its log."""


def test_a_stop_that_flink_does_not_confirm_is_noted(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), NoAnswer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = Settings(_env_file=None, home=tmp_path, flink=f"127.0.0.1:{server.server_port}")
        savepoints.note(settings, "livepulse", savepoints.Stopped(["dwell"], savepoint="of yesterday"))
        application = Application("abc", "livepulse", "RUNNING", datetime.now(UTC), 5.0)
        with pytest.raises(UserError):
            savepoints.stop(settings, application, ["dwell"])
        server.shutdown()
    noted = savepoints.last(settings, "livepulse")
    assert (noted.savepoint, noted.application) == (None, "abc")  # resuming asks Flink which it was
