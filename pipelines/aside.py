"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile


def write_whole(path: Path, text: str) -> None:
    """Puts a text into a file, and its folder there: whoever reads it meanwhile, or after a crash, finds the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, suffix=".making", encoding="utf-8", delete=False) as file:
        file.write(text)
    Path(file.name).rename(path)
