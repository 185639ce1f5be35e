"""Reading the log files that the supervisor writes and rotates."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

_BLOCK = 65_536


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file, read from its end."""
    if lines <= 0 or not path.is_file():
        return []
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        data = b""
        while end > 0 and data.count(b"\n") <= lines:
            start = max(0, end - _BLOCK)
            file.seek(start)
            data = file.read(end - start) + data
            end = start
    return data.decode(errors="replace").splitlines()[-lines:]


def follow(paths: Mapping[str, Path], seconds: float = 0.3) -> Iterator[tuple[str, str]]:
    """New lines of these files from now on, with the name of the file: without end, and across rotation."""
    files: dict[str, BinaryIO] = {}
    rest: dict[str, bytes] = dict.fromkeys(paths, b"")
    for name, path in paths.items():
        if path.is_file():
            files[name] = path.open("rb")
            files[name].seek(0, os.SEEK_END)
    try:
        while True:
            for name, path in paths.items():
                file = files.get(name)
                data = file.read() if file else b""
                if not data and path.is_file() and (file is None or os.fstat(file.fileno()).st_ino != path.stat().st_ino):
                    if file:
                        file.close()
                    file = files[name] = path.open("rb")
                    data = file.read()
                *complete, rest[name] = (rest[name] + data).split(b"\n")
                for line in complete:
                    yield name, line.decode(errors="replace")
            time.sleep(seconds)
    finally:
        for file in files.values():
            file.close()
