"""The command line: `livepulse`. Each command is loaded when it runs, so that `livepulse --help` answers at once."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.errors import UserError


class Entry(NamedTuple):
    """Where a command is, and what the overview says about it."""

    where: str
    """`module:name` of a function, or of a `typer.Typer` for a command with subcommands."""
    panel: str
    help: str


_STACK, _STORAGE, _PRODUCERS, _CORRECTNESS = "Local stack", "Storage and jobs", "Producers", "Correctness"
_WATCHING, _PRIVACY, _DEVELOPMENT = "Watching", "Privacy", "Development"

COMMANDS: dict[str, Entry] = {
    "demo": Entry("pipelines.cli.demo:demo", _WATCHING, "All of it at once: start, simulate, watch, verify, stop."),
    "watch": Entry("pipelines.cli.watch:watch", _WATCHING, "Show the rooms' numbers as they change."),
    "board": Entry("pipelines.cli.board:board", _WATCHING, "Serve the dashboards in a browser, without Grafana."),
    "dashboards": Entry("pipelines.cli.dashboards:app", _WATCHING, "Grafana's dashboards and alerts: build, check, push."),
    "install": Entry("pipelines.cli.stack:install", _STACK, "Get the jars and, where there is no clickhouse program, its engine."),
    "up": Entry("pipelines.cli.stack:up", _STACK, "Start Kafka, Flink and ClickHouse and wait until they answer."),
    "status": Entry("pipelines.cli.stack:status", _STACK, "Show what runs, where, and whether it is well."),
    "logs": Entry("pipelines.cli.stack:logs", _STACK, "Show or follow the logs."),
    "down": Entry("pipelines.cli.stack:down", _STACK, "Stop the stack; its data is kept unless you say otherwise."),
    "migrate": Entry("pipelines.cli.storage:migrate", _STORAGE, "Create missing topics, bring tables and views up to date."),
    "jobs": Entry("pipelines.cli.jobs:app", _STORAGE, "The jobs that compute the metrics: list, submit, status, stop, resume."),
    "verify": Entry("pipelines.cli.verify:verify", _CORRECTNESS, "Prove that nothing is lost and every counter is right."),
    "doctor": Entry(
        "pipelines.cli.doctor:doctor", _CORRECTNESS, "Find and name what usually goes wrong, with the command that helps."
    ),
    "dead-letters": Entry(
        "pipelines.cli.dead_letters:app", _CORRECTNESS, "Records that were no valid event: list, show, repair and replay."
    ),
    "simulate": Entry("pipelines.cli.simulate:simulate", _PRODUCERS, "Send believable broadcasts, made from a seed, with faults."),
    "replay": Entry("pipelines.cli.replay:replay", _PRODUCERS, "Send recorded events again, with their own times or those of now."),
    "forget-user": Entry("pipelines.cli.privacy:forget_user", _PRIVACY, "Remove a person from every table, for good."),
    "new": Entry("pipelines.cli.new:app", _DEVELOPMENT, "Begin a new event or metric with an example that works."),
    "generate": Entry("pipelines.cli.storage:generate", _DEVELOPMENT, "Write all that follows from schemas/ and jobs/."),
}

_EPILOG = """A first look:  [cyan]livepulse up[/]  then  [cyan]livepulse status[/]  and in the end  [cyan]livepulse down[/]

Settings come from the environment or a .env file: LIVEPULSE_HOME, LIVEPULSE_KAFKA_PORT, LIVEPULSE_KAFKA (an existing one), …"""


def _load(name: str) -> Any:
    module, _, attribute = COMMANDS[name].where.partition(":")
    found: typer.Typer | Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(found)
    return typer.main.get_command(alone)


class LazyGroup(TyperGroup):
    """A group that knows its commands by `COMMANDS` and imports one only to run it."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the overview needs of a command, which is less than the command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(cmd_name, help=entry.help, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, now that it runs."""
        self.commands = {name: self.get_command(ctx, name) for name in COMMANDS}  # for "did you mean"
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else _load(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            # Click would take it for a Ctrl-D.
            if (told := explained(error)) is not None:
                raise told from error
            raise


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"livepulse {version('livepulse')}")
        raise typer.Exit


app = typer.Typer(
    name="livepulse",
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=_EPILOG,
    pretty_exceptions_show_locals=False,  # they may hold passwords
)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Live-commerce rooms and their chat communities, measured as they happen."""


def main() -> None:
    """Run the command line; an error that is the user's to solve, or a service's, is shown without a stack trace."""
    if sys.stdin is None:  # closed, as under some supervisors
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    try:
        app(prog_name="livepulse")
    except Exception as error:
        found = explained(error)
        if found is None:
            raise
        show(found)
        sys.exit(found.exit_code)


def explained(error: Exception) -> UserError | None:
    """What is told of an error that is the user's to solve, or a service's; None for one of our own."""
    if isinstance(error, UserError):
        return error
    return _wrong_settings(error) or _missing_extra(error) or _from_service(error)


def _wrong_settings(error: Exception) -> UserError | None:
    """The message for settings that pydantic refuses, or None when it is another error."""
    pydantic = sys.modules.get("pydantic_core")
    if pydantic is None or not isinstance(error, pydantic.ValidationError) or error.title != "Settings":
        return None
    wrong = [
        f"LIVEPULSE_{'_'.join(map(str, item['loc'])).upper()}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False)
    ]
    return UserError("\n".join(wrong), "Correct it in the environment or in the .env file of this folder.", exit_code=2)


_EXTRAS = {
    "starlette": "dashboards",
    "uvicorn": "dashboards",
    "grafana_foundation_sdk": "dashboards",
    "grafana_client": "dashboards",
}
"""Package -> the extra of livepulse that brings it, of those that a command finds missing by importing them."""


def _missing_extra(error: Exception) -> UserError | None:
    """The message for a package that was not installed, or None when it is another error."""
    extra = _EXTRAS.get((error.name or "").partition(".")[0]) if isinstance(error, ModuleNotFoundError) else None
    if extra is None:
        return None
    return UserError(f"This needs livepulse's extra {extra}.", f"Install it: pip install 'livepulse[{extra}]'")


_CLIENTS = {
    "clickhouse": (("clickhouse_driver.errors", "Error"), ("clickhouse_migrations.exceptions", "MigrationException")),
    "kafka": (("kafka.errors", "KafkaError"), ("confluent_kafka", "KafkaException")),
    "flink": (("py4j.protocol", "Py4JError"),),
}
"""Service -> the errors of its clients, as module and class: asked for only where the module has been loaded."""


def _from_service(error: Exception) -> UserError | None:
    """The message for what a service or the way to it got wrong, or None when it is another error."""
    if isinstance(error, EOFError) and "clickhouse_driver" in sys.modules:
        return _service_error("clickhouse", error)  # its driver says so when the server goes away in the middle of an answer
    for service, classes in _CLIENTS.items():
        for module, name in classes:
            if module in sys.modules and isinstance(error, getattr(sys.modules[module], name)):
                return _service_error(service, error)
    return None


def _service_error(service: str, error: Exception) -> UserError:
    from pipelines.settings import settings

    address = getattr(settings(), f"{service}_address")
    return UserError(
        f"{service} at {address}: {_said(service, error)}", "See what runs: livepulse status    (its log: livepulse logs)"
    )


def _said(service: str, error: Exception) -> str:
    """What happened, without the server's stack trace."""
    from pipelines.clickhouse import in_one_line
    from pipelines.flink.causes import began

    text = getattr(error, "message", None) or str(error) or type(error).__name__
    line = in_one_line(text) if service == "clickhouse" else began(text)
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]} …"


_LONGEST_MESSAGE = 600


def show(error: UserError) -> None:
    """Says it on standard error, with the hint beneath."""
    from rich.console import Console
    from rich.text import Text

    from pipelines.terminal import harmless

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("Error: ", style="bold red") + Text(harmless(error.message), style="red"))
    if error.hint:
        console.print(Text(error.hint))
