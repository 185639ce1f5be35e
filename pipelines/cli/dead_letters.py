"""`livepulse dead-letters`: records that were no valid event: what they are, and sending them again once repaired."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clickhouse_driver import Client

    from pipelines.dead_letters.read import Choice, DeadLetter, Group, Place, Replayed
    from pipelines.dead_letters.replay import Outcome
    from pipelines.produce import Sender

INCOMPLETE = 1
INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Records that were no valid event: what they are, and sending them again once repaired.",
    epilog="Examples: [cyan]livepulse dead-letters list[/]  ·  [cyan]livepulse dead-letters show comment/0/42[/]  ·  "
    "[cyan]livepulse dead-letters replay --topic comment --fix fix.yaml --dry-run[/]",
)

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _moment(text: str) -> datetime:
    """A time, or how long ago."""
    ago = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    try:
        if ago:
            return datetime.now(UTC) - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # before the year 1, too
        raise typer.BadParameter("a time such as 2026-01-01T00:00:00Z, or how long ago: 90s, 30m, 2h, 7d") from None


Topic = Annotated[str | None, typer.Option(metavar="TOPIC", help="Of this topic.")]
Why = Annotated[str | None, typer.Option("--reason", metavar="REASON", help="Refused for this reason, such as wrong_type.")]
FieldName = Annotated[str | None, typer.Option("--field", metavar="NAME", help='Refused for this field; "" is the whole record.')]
Since = Annotated[
    datetime | None,
    typer.Option(parser=_moment, metavar="TIME", help="Received then or later: a time in UTC, or 2h for two hours ago."),
]
Until = Annotated[datetime | None, typer.Option(parser=_moment, metavar="TIME", help="Received before then, written the same way.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: JSON.")]


@app.command("list")
def list_groups(
    topic: Topic = None,
    reason: Why = None,
    field: FieldName = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many groups, the most numerous ones.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show how many dead letters there are, by topic, reason and field.

    Examples: [cyan]livepulse dead-letters list[/]  ·  [cyan]livepulse dead-letters list --topic order --since 2h --json[/]
    """
    from pipelines.dead_letters import read
    from pipelines.dead_letters.render import group_json

    choice = _choice(topic, reason, field, since, until, limit=limit)
    with _clickhouse() as client:
        found = read.groups(client, choice)
    if as_json:
        typer.echo(json.dumps([group_json(group) for group in found], indent=2))
    else:
        _show_groups(found)


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="Its place, as in `livepulse dead-letters list`.")],
    raw: Annotated[bool, typer.Option("--raw", help="Write the record's bytes to standard output, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of one dead letter: its bytes, what is wrong with them, and what it was sent again as.

    Examples: [cyan]livepulse dead-letters show comment/0/42[/]  ·  [cyan]livepulse dead-letters show comment/0/42 --raw > record[/]
    """
    from pipelines.dead_letters import read
    from pipelines.dead_letters.render import letter_json
    from pipelines.errors import UserError

    wanted = read.Place.parse(place)
    with _clickhouse() as client:
        letter = read.find(client, wanted)
        replays = read.replays_of(client, wanted)
    if letter is None:
        raise UserError(f"There is no dead letter at {wanted}.", "Places of some: livepulse dead-letters list")
    if raw:
        sys.stdout.buffer.write(letter.raw)
        sys.stdout.buffer.flush()
    elif as_json:
        typer.echo(json.dumps(letter_json(letter, replays), indent=2, ensure_ascii=False))
    else:
        _show_letter(letter, replays)


@app.command()
def replay(
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="PLACE", help="TOPIC/PARTITION/OFFSET of some; all that meet the options when left out."),
    ] = None,
    fix: Annotated[Path | None, typer.Option(metavar="FILE", help="What to change, in YAML; as they are when left out.")] = None,
    topic: Topic = None,
    reason: Why = None,
    field: FieldName = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many at most.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; show what would be sent and what stays invalid.")
    ] = False,
    max_invalid: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="Send nothing when more of a sample would stay invalid; not asked of named places."
        ),
    ] = 0.2,
    as_json: AsJson = False,
) -> None:
    """Repair dead letters and send them to their topic, with the times that they had: numbers shown already are corrected.

    Each is sent once: what has been sent before is left out, and a copy changes no number.
    What would be a dead letter again is not sent; if there is any, this ends with 1.

    A fix, by topic or for all of them:
      all:
        rename: {uid: user_id}
      like:
        remove: \\[debug]
        cast: {count: integer}
        set: {platform: app}
        default: {schema_version: 1}

    Examples:

    What would happen:
      [cyan]livepulse dead-letters replay --topic like --since 2h --fix fix.yaml --dry-run[/]

    One:
      [cyan]livepulse dead-letters replay like/3/42 --fix fix.yaml[/]
    """
    from pipelines.cli.progress import Progress, Stop, duration
    from pipelines.dead_letters import fix as fixing
    from pipelines.dead_letters import read
    from pipelines.dead_letters.replay import SAMPLE, Replay, refuse_useless
    from pipelines.kafka import librdkafka
    from pipelines.produce import Retention, Sender
    from pipelines.settings import settings
    from pipelines.stack.health import require
    from schemas.events import EVENTS

    choice = _choice(topic, reason, field, since, until, [read.Place.parse(place) for place in places or ()], limit)
    fixes = fixing.load(fix) if fix else {}
    require(settings(), "kafka")
    kafka, login = settings().kafka_address, librdkafka(settings())
    with _clickhouse() as client:
        chosen, already = read.count(client, choice)
        _require_found(client, choice, chosen)
        retention = Retention(kafka, EVENTS, login=login)
        if not dry_run and not choice.places:
            trial = Replay(client, settings(), fixes, retention.check, target=None)
            refuse_useless(read.sample(client, choice, SAMPLE), trial, max_invalid)
        total = min(chosen - already, limit or chosen)

        def line(seconds: float, _: float) -> str:
            sent, staying = work.outcome.sent.total(), work.outcome.staying
            waiting = f" | waiting for Kafka: {sender.trouble}" if sender.trouble else ""
            return f"{duration(seconds)}  {sent + staying:,} of {total:,} | {sent:,} sent, {staying:,} stay invalid{waiting}"

        with (
            Stop() as stop,
            Progress(line) as progress,
            Sender(kafka, login=login, tick=progress.tick, receipts=True) as sender,
        ):
            sender.require_topics(EVENTS)
            work = Replay(client, settings(), fixes, retention.check, target=None if dry_run else sender)
            done = work.run(_ticking(read.pending(client, choice), progress.tick), stop)
    _report(work.outcome, already, sender, dry_run, as_json)
    if not done:
        raise typer.Exit(INTERRUPTED)
    if work.outcome.staying or sender.failed:
        raise typer.Exit(INCOMPLETE)


def _choice(
    topic: str | None,
    reason: str | None,
    field: str | None,
    since: datetime | None,
    until: datetime | None,
    places: Sequence[Place] = (),
    limit: int | None = None,
) -> Choice:
    """What the options choose; a topic or a reason that cannot be is a mistake, not an empty choice."""
    from jobs.clickhouse import UNREADABLE
    from pipelines.dead_letters.read import Choice
    from pipelines.errors import UserError
    from pipelines.topics import required_topics
    from schemas.rules import Reason

    topics = [spec.name for spec in required_topics()]
    reasons = [*map(str, Reason), UNREADABLE]
    for found, known, name in ((topic, topics, "topic"), (reason, reasons, "reason")):
        if found is not None and found not in known:
            raise UserError(f"There is no {name} {found!r}.", f"{name.capitalize()}s: {', '.join(known)}.", exit_code=2)
    return Choice(topic, reason, field, since, until, tuple(dict.fromkeys(places)), limit)


def _clickhouse() -> Client:
    from pipelines.clickhouse import connect
    from pipelines.settings import settings
    from pipelines.stack.health import require

    require(settings(), "clickhouse")
    return connect(settings())


def _require_found(client: Client, choice: Choice, chosen: int) -> None:
    """Raise a UserError when places were named that hold no dead letter."""
    from pipelines.dead_letters import read
    from pipelines.errors import UserError

    if chosen < len(choice.places):
        missing = [str(place) for place in choice.places if read.find(client, place) is None]
        if missing:
            raise UserError(f"There is no dead letter at {', '.join(missing)}.", "Places of some: livepulse dead-letters list")


def _ticking(batches: Iterator[list[DeadLetter]], tick: Callable[[], None]) -> Iterator[list[DeadLetter]]:
    for batch in batches:
        tick()
        yield batch


# What is shown


def _show_groups(groups: Sequence[Group]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pipelines.terminal import for_tables

    if not groups:
        Console(stderr=True).print("There are no such dead letters.")
        return
    table = Table(box=None)
    for column in ("Topic", "Reason", "Field", "Dead letters", "Replayed", "First received", "Last received", "The last one"):
        table.add_column(column, overflow="fold")  # what the next command wants to be told, whole
    for group in groups:
        numbers = (f"{group.dead_letters:,}", f"{group.replayed:,}")
        times = (f"{group.first_at:%Y-%m-%d %H:%M:%S}", f"{group.last_at:%Y-%m-%d %H:%M:%S}")
        table.add_row(group.topic, group.reason, escape(group.field) or "–", *numbers, *times, str(group.example))
    for_tables().print(table)


def _show_letter(letter: DeadLetter, replays: Sequence[Replayed]) -> None:
    from pipelines.dead_letters.render import legible, moment, replayed_json
    from pipelines.terminal import harmless

    shown = legible(letter.raw)
    facts = {
        "place": str(letter.place),
        "reason": letter.reason,
        "field": letter.field or "– (the whole record)",
        "received": moment(letter.received_at),
        "stored": moment(letter.stored_at),
        "size": f"{len(letter.raw):,} bytes, {shown.form}",
    }
    for replayed in replays:
        what = replayed_json(letter, replayed)
        fix = json.dumps(what["fix"], ensure_ascii=False) if what["fix"] else "nothing"
        facts["replayed"] = harmless(f"{what['at']} as {what['place']}, event_id {what['event_id']}, changed: {fix}")
    for name, fact in facts.items():
        typer.echo(f"{name:<10}{fact}")
    if len(replays) > 1:
        typer.echo(f"{'':<10}(the last of {len(replays)} times)")
    typer.echo(f"\n{shown.text}")
    if shown.cut:
        typer.echo(f"\n… cut here. All of it: livepulse dead-letters show {letter.place} --raw")


def _report(outcome: Outcome, already: int, sender: Sender, dry_run: bool, as_json: bool) -> None:
    stays = [
        {"topic": topic, "reason": reason, "field": field, "dead_letters": stay.count, "example": str(stay.example)}
        for (topic, reason, field), stay in sorted(outcome.stays.items(), key=lambda item: -item[1].count)
    ]
    would = "would_be_sent" if dry_run else "sent"
    if as_json:
        examples = [{"place": str(event.place), "key": event.key, "value": event.value.decode()} for event in outcome.examples]
        summary: dict[str, Any] = {
            would: dict(outcome.sent),
            "stay_invalid": stays,
            "already_replayed": already,
            "forgotten_windows": outcome.forgotten,
            "failed": sender.failed,
            "errors": dict(sender.errors),
        }
        typer.echo(json.dumps(summary | ({"examples": examples} if dry_run else {}), indent=2, ensure_ascii=False))
    else:
        _show_outcome(outcome, stays, already, sender, dry_run)


def _show_outcome(outcome: Outcome, stays: list[dict[str, Any]], already: int, sender: Sender, dry_run: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from pipelines.dead_letters.render import legible
    from pipelines.settings import settings
    from pipelines.terminal import for_tables

    console = Console(highlight=False, soft_wrap=True, markup=False)
    by_topic = ", ".join(f"{topic} {count:,}" for topic, count in sorted(outcome.sent.items()))
    console.print(f"{'Would be sent' if dry_run else 'Sent'}: {outcome.sent.total():,}" + (f" ({by_topic})" if by_topic else ""))
    if already:
        console.print(f"Left out, because they have been replayed: {already:,}")
    if dry_run:
        for event in outcome.examples:
            console.print(f"\n{event.place} as\n{legible(event.value).text}")
    if stays:
        table = Table("Stay invalid", "Topic", "Reason", "Field", "For example", box=None)
        for stay in stays:
            table.add_row(f"{stay['dead_letters']:,}", stay["topic"], stay["reason"], stay["field"] or "–", stay["example"])
        for_tables().print(table)
    if sender.failed:
        console.print(f"Kafka did not take: {sender.failed:,} ({', '.join(sender.errors)}). Run the same again.")
    if outcome.forgotten:
        console.print(
            f"Older than the {settings().state_ttl_hours} h for which Flink remembers windows (LIVEPULSE_STATE_TTL_HOURS): "
            f"{outcome.forgotten:,}. Their windows are right once everything is counted anew: "
            "livepulse jobs stop --no-savepoint && livepulse jobs submit"
        )
