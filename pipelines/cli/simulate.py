"""`livepulse simulate`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.simulate import SimulationSettings

_SIZE, _TIME, _FAULTS, _OUTPUT = "How much", "When", "What goes wrong (shares of events)", "Where to"


def simulate(
    rate: Annotated[float, typer.Option(min=1, max=1_000_000, help="Events per second, in the mean.", rich_help_panel=_SIZE)] = 500,
    rooms: Annotated[int, typer.Option(min=1, max=5_000, help="Rooms, of very different size.", rich_help_panel=_SIZE)] = 8,
    room_prefix: Annotated[
        str, typer.Option(help="Rooms are called so, then -01 and on: tells simultaneous runs apart.", rich_help_panel=_SIZE)
    ] = "room",
    duration: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=315_360_000,
            metavar="SECONDS",
            help="Stop after so much simulated time.",
            rich_help_panel=_SIZE,
        ),
    ] = None,
    events: Annotated[int | None, typer.Option(min=1, help="Stop after so many events.", rich_help_panel=_SIZE)] = None,
    broadcast_minutes: Annotated[
        float, typer.Option(min=1, max=1_440, help="Mean length of a broadcast.", rich_help_panel=_SIZE)
    ] = 45,
    seed: Annotated[
        int, typer.Option(help="The same seed, settings and --start give the same events, byte for byte.", rich_help_panel=_SIZE)
    ] = 1,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="As fast as possible: simulated time runs up to now, and is the records' time too.",
            rich_help_panel=_TIME,
        ),
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --fast: when the simulated time begins, such as 2026-01-01T00:00:00Z; "
            "without it, so that everything ends now.",
            rich_help_panel=_TIME,
        ),
    ] = None,
    refund_tail: Annotated[
        float,
        typer.Option(
            metavar="DAYS",
            min=0,
            max=30,
            help="With --fast and --duration: also send the refunds that fall due in so many days after the end (most by ten).",
            rich_help_panel=_TIME,
        ),
    ] = 0,
    duplicates: Annotated[
        float, typer.Option(min=0, max=0.5, help="Sent twice: at once, within 30 s, or within minutes.", rich_help_panel=_FAULTS)
    ] = 0.02,
    disorder: Annotated[
        float, typer.Option(min=0, max=0.5, help="Sent up to 30 s after they happened.", rich_help_panel=_FAULTS)
    ] = 0.05,
    late: Annotated[
        float, typer.Option(min=0, max=0.5, help="Sent when older than the allowed lateness.", rich_help_panel=_FAULTS)
    ] = 0.01,
    malformed: Annotated[
        float, typer.Option(min=0, max=0.5, help="Broken, each so that it must become a dead letter.", rich_help_panel=_FAULTS)
    ] = 0.005,
    clock_skew: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=290,
            help="Not a share: the clocks of a fifth of the users are off by up to this, either way.",
            rich_help_panel=_FAULTS,
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write what is sent as JSON Lines; .gz compresses.", rich_help_panel=_OUTPUT),
    ] = None,
    no_send: Annotated[
        bool, typer.Option("--no-send", help="Only write --out, as with --fast; needs no Kafka.", rich_help_panel=_OUTPUT)
    ] = False,
    keep_forever: Annotated[
        bool,
        typer.Option(
            "--keep-forever",
            help="If Kafka would delete events as old as --start, set retention.ms=-1 on the topics concerned.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.", rich_help_panel=_OUTPUT)] = False,
) -> None:
    """Send believable broadcasts to Kafka: viewers, comments, likes, orders, refunds, group chat, and faults.

    Runs until Ctrl-C unless told otherwise.
    Ends with 1 if Kafka did not take everything.

    Examples:

    A live demo, until Ctrl-C:
      [cyan]livepulse simulate --rate 2000[/]

    The last hour, at once:
      [cyan]livepulse simulate --fast --duration 3600[/]

    Nothing goes wrong:
      [cyan]livepulse simulate --duplicates 0 --disorder 0 --late 0 --malformed 0[/]

    Ten minutes into a file, to be replayed later:
      [cyan]livepulse simulate --no-send --duration 600 --out demo.jsonl.gz[/]
    """
    import time

    from pydantic import ValidationError

    from pipelines.errors import UserError
    from pipelines.settings import settings
    from pipelines.simulate import SimulationSettings

    if no_send and out is None:
        raise UserError("--no-send without --out leaves nothing to do.", "Say where to write: --out FILE", exit_code=2)
    fast = fast or no_send
    if fast and duration is None and events is None:
        raise UserError("--fast and --no-send need an end.", "Say --duration SECONDS or --events N.", exit_code=2)
    if start is not None and not fast:
        raise UserError(
            "In real time events happen now, so there is no --start.",
            "Say --fast to send events of another time, or --no-send to write them to a file.",
            exit_code=2,
        )
    if refund_tail and not (fast and duration):
        raise UserError("--refund-tail needs --fast and --duration.", "Real time does not reach the days after.", exit_code=2)
    now_ms = int(time.time() * 1_000)
    # By the number of events the time needed is known roughly; a run that reaches the present waits for it.
    length_ms = int(1_000 * (duration if duration is not None else 10 + 1.3 * (events or 0) / rate))
    tail_ms = int(refund_tail * 86_400_000)
    start_ms = now_ms - length_ms - tail_ms if fast else now_ms
    if start is not None:
        start_ms = _milliseconds(start)
    end_ms = start_ms + length_ms + tail_ms
    if start_ms > now_ms and fast and not no_send:
        raise UserError(
            "--start is in the future.", "Kafka is told only what has happened; --no-send writes any time.", exit_code=2
        )
    try:
        model = SimulationSettings(
            start_ms=start_ms,
            seed=seed,
            rate=rate,
            rooms=rooms,
            room_prefix=room_prefix,
            duration_seconds=duration,
            events=events,
            broadcast_minutes=broadcast_minutes,
            duplicates=duplicates,
            disorder=disorder,
            late=late,
            malformed=malformed,
            clock_skew_seconds=clock_skew,
            lateness_seconds=settings().lateness_seconds,
            future_seconds=settings().future_seconds,
            refunds_until_ms=(end_ms if no_send else min(end_ms, now_ms)) if tail_ms else None,
        )
    except ValidationError as error:
        raise UserError(
            "\n".join(f"{' '.join(map(str, item['loc']))} {item['msg']}".strip() for item in error.errors()),
            "livepulse simulate --help",
            exit_code=2,
        ) from None
    _run(model, realtime=not fast, out=out, send=not no_send, keep_forever=keep_forever, as_json=as_json)


def _run(model: SimulationSettings, *, realtime: bool, out: Path | None, send: bool, keep_forever: bool, as_json: bool) -> None:
    import contextlib
    import gc
    import time

    from pipelines.cli.progress import DELIVERY_FAILED, Progress, Rate, Stop, close, duration
    from pipelines.kafka import librdkafka
    from pipelines.produce import Retention, Sender
    from pipelines.recording import Record, Writer
    from pipelines.settings import settings
    from pipelines.simulate import Simulation
    from pipelines.simulate.run import Run
    from pipelines.stack.health import require
    from schemas.events import EVENTS

    speed = Rate()

    def line(seconds: float, since: float) -> str:
        faults = simulation.faults
        parts = [
            f"{duration(seconds)}  {run.sent:,} events, {speed.since(run.sent, since):,.0f}/s",
            f"{simulation.rooms_live} rooms live, {simulation.viewers:,} viewers",
            f"{faults.duplicates:,} twice, {faults.disordered:,} out of order, {faults.late:,} late, "
            f"{sum(run.malformed.values()):,} malformed",
        ]
        if realtime and run.behind_ms > 2_000:
            parts.append(f"{run.behind_ms / 1_000:.0f} s behind: this machine cannot keep up")
        if sender and sender.failed:
            parts.append(f"{sender.failed:,} failed")
        if sender and sender.trouble:
            parts.append(f"waiting for Kafka: {sender.trouble}")
        return " | ".join(parts)

    def put(record: Record) -> None:
        if sender:
            sender.send(record.topic, record.key, record.value, record.timestamp_ms)
        if writer:
            writer.write(record)

    sender: Sender | None = None
    writer: Writer | None = None
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        progress = Progress(line)
        if send:
            kafka, login = settings().kafka_address, librdkafka(settings())
            require(settings(), "kafka")
            sender = stack.enter_context(Sender(kafka, login=login, tick=progress.tick, stopped=stop))
            sender.require_topics(EVENTS)
            retention = Retention(kafka, EVENTS, login=login, keep_forever=keep_forever)
            for topic in EVENTS if not realtime else ():
                retention.check(topic, model.start_ms)
        if out:
            writer = stack.enter_context(Writer(out))
        # A hundred thousand viewers are a hundred thousand objects that the collector would look at again and again.
        gc.set_threshold(20_000, 20, 50)
        simulation = Simulation(model)
        if realtime:
            simulation.begin_at(int(time.time() * 1_000))
        run = Run(
            simulation,
            put,
            realtime=realtime,
            ahead_of_clock=not send,
            tick=progress.tick,
            idle=sender.poll if sender else lambda: None,
            stopped=stop,
        )
        stack.enter_context(progress)
        try:
            run.run()
            if sender:
                if stop.requested:
                    progress.say("Stopping: Kafka has yet to acknowledge the last events. Ctrl-C again gives up on them.")
                sender.flush()
        except KeyboardInterrupt:
            if sender:
                sender.abandon()
        seconds = progress.seconds

    summary = {
        "sent": run.sent,
        "delivered": sender.delivered if sender else None,
        "failed": sender.failed if sender else None,
        "errors": dict(sender.errors) if sender else None,
        "seconds": round(seconds, 3),
        "events_per_second": round(run.sent / seconds, 1),
        "topics": dict(sorted(run.topics.items())),
        "duplicates": simulation.faults.duplicates,
        "disordered": simulation.faults.disordered,
        "late": simulation.faults.late,
        "malformed": dict(sorted(run.malformed.items())),
        "seed": model.seed,
        "start": datetime.fromtimestamp(simulation.faults.start_ms / 1_000, UTC).isoformat(timespec="milliseconds"),
        "out": str(out) if out else None,
        "stopped": stop.requested,
    }
    close("Simulated", summary, as_json=as_json)
    if sender and sender.failed:
        raise typer.Exit(DELIVERY_FAILED)


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-01-01T00:00:00Z", param_hint="--start") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000)
