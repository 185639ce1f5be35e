"""`livepulse new`: skeletons of events and metrics, for developers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.scaffold import Kind

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Begin a new event or metric with an example that works (for developers).",
    epilog="Examples: [cyan]livepulse new event gift[/]  ·  [cyan]livepulse new metric entering_users[/]",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, words joined by _, such as gift_sent.")]


@app.command()
def event(name: Name) -> None:
    """Write an event's model, topic and examples into the source checkout.

    It is valid as it stands: `livepulse generate` and `livepulse migrate` give it a topic and a table.

    Example: [cyan]livepulse new event gift[/]
    """
    _write("event", name)
    _next(
        f"Say what it carries:    schemas/events/{name}.py, schemas/topics/{name}.yaml",
        f"Show it:                schemas/examples/{name}/pass and fail",
        "Generate what follows:  livepulse generate",
        "Try it:                 make test-fast",
    )


@app.command()
def metric(name: Name) -> None:
    """Write a metric's job, its meaning and a golden case into the source checkout.

    It works as it stands: it counts users who enter a room, by minute, in a new column of room_1m.

    Example: [cyan]livepulse new metric entering_users[/]
    """
    _write("metric", name)
    _next(
        f"Say what is counted:    jobs/{name}/job.sql (Flink), jobs/{name}/metadata.yaml (meaning, recomputation)",
        f"Count by hand:          tests/golden/{name}/first",
        "Generate what follows:  livepulse generate",
        f"Try it:                 .venv/bin/pytest tests/e2e/test_golden.py -k {name}",
    )


def _write(kind: Kind, name: str) -> None:
    from rich.console import Console

    from pipelines.scaffold import skeleton

    made = skeleton(kind, name)
    made.write()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"In {made.root}:", markup=False)
    for path in made.files:
        console.print(f"  wrote {path}", markup=False)


def _next(*steps: str) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print("\nWhat comes next (CONTRIBUTING.md has the whole of it):")
    for step in steps:
        console.print(f"  {step}", markup=False)
