"""The parts that pip does not bring: jars from Maven, and ClickHouse's engine from npm where there is no program."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dashboards.board
import deploy.local
from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.layout import SERVICES, Layout, refuse_impossible
from pipelines.stack.lock import locked

COMPILED_AT_ONCE = "-XX:TieredStopAtLevel=1"
"""Option of a Java process that lives for minutes: its code is compiled at once, not well, which leaves the cores to its work."""
UNOPTIMISED_JAVA = (COMPILED_AT_ONCE, "-XX:+UseSerialGC")
"""Options of a Java process that lives for seconds or does little: optimising its code well costs more than it gives."""

_OLDEST_JAVA = 17
_LOCAL = Path(deploy.local.__file__).parent
_EXTENSION = Path(__file__).parent.parent / "flink_extension"
_BOARD = Path(dashboards.board.__file__).parent
_ALL = (*SERVICES, "board")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One thing that `livepulse install` gets: what it is made from, and how its files come into a folder."""

    name: str
    service: str
    title: str
    inputs: tuple[Path, ...]
    target: Path
    make: Callable[[Path], None]


def parts(settings: Settings, services: Collection[str] = _ALL) -> list[Part]:
    """What these services, and the board, need on this machine."""
    layout = Layout.of(settings)
    pom = _LOCAL / "pom.xml"
    sources = tuple(sorted(p for p in _EXTENSION.rglob("*") if p.is_file() and "target" not in p.relative_to(_EXTENSION).parts))
    found = [
        Part("kafka", "kafka", "Kafka (Maven)", (pom,), layout.kafka_jars, lambda to: _maven_jars("kafka", to)),
        Part("flink", "flink", "Flink's Kafka connector (Maven)", (pom,), layout.flink_jars, lambda to: _maven_jars("flink", to)),
        Part("flink-extension", "flink", "livepulse's extension of Flink (Maven)", sources, layout.flink_jars, _extension),
    ]
    if clickhouse_program() is None:
        title = "ClickHouse's engine (npm, about 560 MB)"
        found.append(_npm_part("clickhouse", title, _LOCAL, layout.clickhouse_package))
    found.append(_npm_part("board", "The board's charts (npm)", _BOARD, layout.board_package))
    # Flink's jars are wanted for an existing Flink too: a job is put together here and sent with them.
    return [
        part
        for part in found
        if part.service in services and (part.service in ("flink", "board") or not getattr(settings, part.service))
    ]


def _npm_part(name: str, title: str, source: Path, target: Path) -> Part:
    return Part(name, name, title, (source / "package.json", source / "package-lock.json"), target, lambda to: _npm(source, to))


def install(settings: Settings, say: Say, services: Collection[str] = _ALL) -> list[str]:
    """Get what is missing, or was made from other inputs than today's; returns the names of the parts that were made.

    Safe to run twice, also at the same time.
    """
    layout = Layout.of(settings)
    layout.components.mkdir(parents=True, exist_ok=True)
    with locked(layout.components / "lock", "installing", say):
        todo = outdated(settings, services)
        needs = {"npm" if part.name in ("clickhouse", "board") else "mvn" for part in todo}
        if "mvn" in needs:
            java()
        for program in sorted(needs):
            _program(program)
        for part in todo:
            say(f"Getting {part.title} …")
            _make(layout, part)
    return [part.name for part in todo]


def outdated(settings: Settings, services: Collection[str] = _ALL) -> list[Part]:
    """The parts that are missing, or were made from other inputs than today's."""
    layout = Layout.of(settings)
    return [part for part in parts(settings, services) if not _is_current(layout, part)]


def replaced_at(settings: Settings, service: str) -> float | None:
    """When the parts of a service were last installed, in seconds since 1970; None when it has none that were."""
    layout = Layout.of(settings)
    stamps = [_stamp(layout, part) for part in parts(settings, (service,))]
    return max((stamp.stat().st_mtime for stamp in stamps if stamp.is_file()), default=None)


def java() -> str:
    """The Java program; a `UserError` when there is none or it is too old."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    hint = f"Install Java {_OLDEST_JAVA} or later (for example: apt-get install openjdk-17-jre-headless), or set JAVA_HOME."
    if program is None or not os.access(program, os.X_OK):
        raise UserError(f"Kafka and Flink need Java, and {program or 'a java program on PATH'} was not found.", hint)
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', answer)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        raise UserError(f"{program} is no Java {_OLDEST_JAVA}: {answer.splitlines()[0] if answer else 'it does not run'}", hint)
    return program


def flink_home() -> Path:
    """The folder of the Flink distribution that the apache-flink wheel carries."""
    spec = find_spec("pyflink")  # importing it would take a second
    if spec is None or not spec.submodule_search_locations:
        raise UserError("Flink is not installed in this Python environment.", "Install it: pip install 'livepulse[flink,local]'")
    home = Path(spec.submodule_search_locations[0])
    refuse_impossible(home, "Put the Python environment into a folder without them.")
    return home


def clickhouse_is_library(settings: Settings) -> bool:
    """Whether the configured ClickHouse is the local one's engine as a library, which speaks no TLS, neither way."""
    return not settings.clickhouse and clickhouse_program() is None


def clickhouse_program() -> str | None:
    """A `clickhouse` program on PATH, which is preferred to the engine as a library."""
    return shutil.which("clickhouse")


def clickhouse_library(layout: Layout) -> Path:
    """The engine as a library; a `UserError` when it was not installed."""
    for library in sorted(layout.clickhouse_package.glob("node_modules/@chdb/lib-*/libchdb.so")):
        return library
    raise UserError("There is neither a clickhouse program nor the engine as a library.", "Run: livepulse install")


def _maven_jars(profile: str, to: Path) -> None:
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    pom = _LOCAL / "pom.xml"
    _run(["mvn", "-q", "-B", "-f", str(pom), "-P", profile, goal, "-DincludeScope=runtime", f"-DoutputDirectory={to}"], to)


def _extension(to: Path) -> None:
    # Maven writes beside its sources, and those may be installed where nobody can write: build a copy.
    copy = to.with_name("flink-extension-build")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(_EXTENSION, copy, ignore=shutil.ignore_patterns("target", "__pycache__"))
    try:
        _run(["mvn", "-q", "-B", "-f", str(copy / "pom.xml"), "package"], copy)
        shutil.copy2(copy / "target" / "livepulse-flink-extension.jar", to)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _npm(source: Path, to: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy2(source / name, to)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], to)


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        hint = "Look at the end of its output above; behind a proxy or mirror, set it in Maven's settings.xml or npm's .npmrc."
        if "EBADPLATFORM" in result.stdout:
            hint = "The engine as a library is for Linux on x86-64 with glibc: install a clickhouse program instead."
        tail = "\n".join(result.stdout.strip().splitlines()[-15:])
        raise UserError(f"{' '.join(command[:2])} … ended with {result.returncode}:\n{tail}", hint)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        what, package = {
            "mvn": ("Maven, which gets the jars", "maven"),
            "npm": ("npm, which gets the board's charts and, where there is no clickhouse program, ClickHouse's engine", "npm"),
        }[name]
        raise UserError(f"There is no {name} on PATH: {what}.", f"Install it, for example: apt-get install {package}")
    return found


def _digest(part: Part) -> str:
    digest = hashlib.sha256()
    for path in part.inputs:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _stamp(layout: Layout, part: Part) -> Path:
    return layout.components / "installed" / f"{part.name}.json"


def _stamped(layout: Layout, part: Part) -> dict[str, Any]:
    try:
        stamp: dict[str, Any] = json.loads(_stamp(layout, part).read_text())
    except (FileNotFoundError, ValueError):
        return {"inputs": "", "files": []}
    return stamp


def _is_current(layout: Layout, part: Part) -> bool:
    stamp = _stamped(layout, part)
    return stamp["inputs"] == _digest(part) and all((part.target / name).exists() for name in stamp["files"])


def _make(layout: Layout, part: Part) -> None:
    """Make a part aside and move its files in, so that a failure or an interrupt leaves what was there."""
    aside = layout.components / "making" / part.name
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    digest = _digest(part)
    part.make(aside)
    files = sorted(path.name for path in aside.iterdir())
    stamp = _stamp(layout, part)
    for name in {*_stamped(layout, part)["files"], *files}:
        _remove(part.target / name)
    part.target.mkdir(parents=True, exist_ok=True)
    for name in files:
        (aside / name).rename(part.target / name)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(json.dumps({"inputs": digest, "files": files}, indent=1) + "\n")
    shutil.rmtree(aside.parent, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
