"""`livepulse forget-user`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.privacy.elsewhere import Place
    from pipelines.privacy.forget import Forgotten

REMAINS = 1


def forget_user(
    user: Annotated[
        str | None,
        typer.Argument(
            metavar="[USER_ID|-]", help="The id; - reads it from standard input, and without one you are asked.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be changed.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also when no row is of this id, and only other people's rows have it in them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Remove a person from every table in ClickHouse, for good, dead letters included, and search every table afterwards.

    Numbers stay as they are: the person's rows get a random pseudonym that
    nobody keeps, what they wrote is emptied. That it was done is kept in
    forgotten_user, not to whom.

    An id in the command itself stays in the shell's history and shows in ps:
    let it ask you, or use a pipe. With LIVEPULSE_PSEUDONYM_KEY set, the id's
    pseudonym is forgotten too.

    It ends with what Kafka and Flink still hold, and for how long. Run it when
    the person's account is closed, and again after the date that it prints.
    It can be repeated, and after a crash it should be.

    Exit 1 when a search still finds the id somewhere; 0 also when there was
    nothing to forget; 2 when nobody has this id (see --yes).

    Examples:

      [cyan]livepulse forget-user[/]

      [cyan]livepulse forget-user - --json < id.txt[/]

      [cyan]livepulse forget-user --dry-run[/]
    """
    from rich.console import Console

    from pipelines.privacy.elsewhere import again_after, places
    from pipelines.privacy.forget import forget
    from pipelines.settings import settings
    from pipelines.stack.health import require

    user_id = _read(user)
    console = Console(stderr=True, highlight=False)
    require(settings(), "kafka", "clickhouse")
    with console.status("Looking …") as status:
        done = forget(settings(), user_id, dry_run=dry_run, sure=yes, progress=lambda what: status.update(f"{what} …"))
        elsewhere = places(settings())
    again = again_after(elsewhere)
    if as_json:
        typer.echo(json.dumps(_as_json(done, elsewhere, again, dry_run)))
    else:
        _show(done, elsewhere, again, dry_run)
    if done.remains and not dry_run:
        raise typer.Exit(REMAINS)


def _read(user: str | None) -> str:
    from pipelines.errors import UserError
    from schemas.events.base import MAX_ID_LENGTH

    if user is None:
        user = typer.prompt("User id", err=True)
    elif user == "-":
        user = sys.stdin.buffer.read().decode(errors="surrogateescape")  # as Python has what stands in the command
    user_id = str(user).rstrip("\r\n")
    try:
        user_id.encode()
    except UnicodeEncodeError:
        raise UserError("This user id is not UTF-8, as every id in events is.", exit_code=2) from None
    if not 1 <= len(user_id) <= MAX_ID_LENGTH:
        raise UserError(f"A user id has 1 to {MAX_ID_LENGTH} characters; this one has {len(user_id)}.", exit_code=2)
    return user_id


def _as_json(done: Forgotten, elsewhere: list[Place], again: datetime | None, dry_run: bool) -> dict[str, Any]:
    return {
        "request": None if dry_run else done.request,
        "dry_run": dry_run,
        "rows": done.rows,
        "remains": [{"table": one.table, "column": one.column, "rows": one.rows} for one in done.remains],
        "inside_longer_words": sum(one.inside for one in done.found),
        "elsewhere": [
            {"where": place.where, "what": place.what, "until": place.until.isoformat(timespec="seconds") if place.until else None}
            for place in elsewhere
        ],
        "again_after": again.isoformat(timespec="seconds") if again else None,
    }


def _show(done: Forgotten, elsewhere: list[Place], again: datetime | None, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipelines.terminal import harmless

    console = Console(highlight=False)
    if not done.rows:
        console.print("There was nothing to forget: no row has this id.")
    else:
        table = Table("Table", "Rows that would be changed" if dry_run else "Rows changed", box=None)
        for name, count in done.rows.items():
            table.add_row(name, f"{count:,}")
        console.print(table)
    if not dry_run:
        for one in done.remains:
            where = harmless(f"{one.table}.{one.column}")
            console.print(Text.assemble(("✗", "red"), f" still in {where}: {one.rows:,} rows"), soft_wrap=True)
        if done.remains:
            console.print(
                "  Rows that came in meanwhile: run the command again. Names of rooms, products and groups, values such as"
                " platforms, and tables that are not livepulse's are not changed: see to them yourself.",
                soft_wrap=True,
            )
        else:
            console.print(f"[green]✓[/] searched every table: the id is nowhere (request {done.request})", soft_wrap=True)
    if inside := sum(one.inside for one in done.found):
        console.print(f"  {inside:,} values have it inside a longer word; those are left alone.")
    console.print("\nNot in ClickHouse, and not removed:")
    held = Table("Where", "What", "Until", box=None)
    for place in elsewhere:
        held.add_row(place.where, place.what, f"{place.until:%Y-%m-%d %H:%M} UTC" if place.until else "no end by itself")
    console.print(held)
    after = f"after {again:%Y-%m-%d}" if again else "when Kafka has been told to delete its records"
    console.print(
        f"Jobs that are submitted anew before then bring counters of this person back: run the command again {after}.",
        soft_wrap=True,
    )
