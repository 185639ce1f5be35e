"""`livepulse replay`."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130


class When(StrEnum):
    """What becomes of the recorded times."""

    NOW = "now"
    KEEP = "keep"


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < math.inf:
        raise typer.BadParameter("a number such as 1, 10 or 0.5, or max")
    return speed


def replay(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="JSON Lines, .gz or not; - is standard input.")],
    speed: Annotated[
        float,
        typer.Option(parser=_speed, metavar="1|N|max", show_default="1", help="Own pace, N times faster, or as fast as possible."),
    ] = 1.0,
    times: Annotated[
        When,
        typer.Option(
            help="now: move all times by one span so that the first event happens now (faster than 1: so that the last one "
            "does, for Kafka takes no events of the future). keep: leave them; a record's time is then that of the recording."
        ),
    ] = When.NOW,
    topic: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="The lines are bare events of this topic, not records.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on behind the last line that is known to have been delivered.")
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where that position is kept; else beside the first file, as FILE.position."),
    ] = None,
    keep_forever: Annotated[
        bool,
        typer.Option("--keep-forever", help="If Kafka would delete events so old, set retention.ms=-1 on the topics concerned."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Send recorded events to Kafka, at their own pace or faster, with their times moved to now or kept.

    A line is a record, as `simulate --out` writes it:
      {"topic": "like", "key": …, "timestamp": …, "value": {…}}
    With --topic it may be the event alone.

    Where LIVEPULSE_PSEUDONYM_KEY is set, each user_id is sent as its keyed
    hash (HMAC-SHA256), so a recording of real ids leaves none in Kafka.

    The position is kept every few seconds. After a crash --resume sends the
    last seconds again, with the same times: at least once.

    Ends with 1 if Kafka did not take everything, with 2 if a line is no
    record, with 130 after Ctrl-C.

    Examples:

    As if it happened now:
      [cyan]livepulse replay demo.jsonl.gz[/]

    An hour in a minute:
      [cyan]livepulse replay monday.jsonl tuesday.jsonl --speed 60[/]

    History, with its own times:
      [cyan]livepulse replay 2024.jsonl --times keep --speed max[/]

    Bare events from a pipe:
      [cyan]zcat likes.gz | livepulse replay - --topic like[/]

    Go on after a crash:
      [cyan]livepulse replay demo.jsonl.gz --resume[/]
    """
    import contextlib

    from pipelines.cli.progress import DELIVERY_FAILED, Progress, Rate, Stop, close, duration
    from pipelines.errors import UserError
    from pipelines.kafka import librdkafka
    from pipelines.produce import Retention, Sender
    from pipelines.recording import STDIN, RecordingError
    from pipelines.replay import Position, Replay
    from pipelines.settings import settings
    from pipelines.stack.health import require
    from schemas.events import EVENTS

    if topic is not None and topic not in EVENTS:
        raise UserError(f"There is no topic {topic!r}.", f"Topics: {', '.join(EVENTS)}.", exit_code=2)
    for path in files:
        if path != STDIN and not path.is_file():
            raise UserError(f"{path} is no file." if path.exists() else f"There is no file {path}.", exit_code=2)
    if checkpoint is None and STDIN not in files:
        checkpoint = files[0].with_name(f"{files[0].name}.position")
    if checkpoint is not None and checkpoint.is_dir():
        raise UserError(f"{checkpoint} is a folder.", "Name a file: --checkpoint FILE", exit_code=2)
    start = None
    if resume:
        if checkpoint is None:
            raise UserError("Standard input has no place to keep a position.", "Name one: --checkpoint FILE", exit_code=2)
        start = Position.load(checkpoint)
    if start:
        if start.files != tuple(map(str, files)) or start.times != times:
            raise UserError(
                f"{checkpoint} is the position in another replay: {' '.join(start.files)} --times {start.times}.",
                "Resume with the same files and --times, or start again without --resume.",
                exit_code=2,
            )
        if start.done:
            typer.echo("Everything has been sent already; without --resume it is sent once more.", err=True)
            return

    kafka, login = settings().kafka_address, librdkafka(settings())
    total = sum(path.stat().st_size for path in files if path != STDIN)
    rate = Rate()
    unkept: list[str] = []

    def line(seconds: float, since: float) -> str:
        sent = sum(run.sent.values())
        parts = [f"{duration(seconds)}  {sent:,} events, {rate.since(sent, since):,.0f}/s"]
        if STDIN not in files:
            parts.append(
                f"{run.read_bytes / total:.0%} of {'the file' if len(files) == 1 else f'{len(files)} files'}" if total else ""
            )
        if sender.failed:
            parts.append(f"{sender.failed:,} failed")
        if sender.trouble:
            parts.append(f"waiting for Kafka: {sender.trouble}")
        return " | ".join(parts)

    def save(position: Position) -> None:
        if checkpoint is None or unkept:
            return
        try:
            position.save(checkpoint)
        except OSError as error:
            # Worth a word, but no reason to stop half-way.
            unkept.append(str(error))
            progress.say(f"The position is not kept, so --resume will not work: {error}")

    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        progress = Progress(line)
        require(settings(), "kafka")
        sender = stack.enter_context(Sender(kafka, login=login, tick=progress.tick, stopped=stop))
        sender.require_topics(EVENTS)
        run = Replay(
            files,
            sender,
            speed=speed,
            times=times.value,
            topic=topic,
            pseudonym_key=settings().pseudonym_key.get_secret_value(),
            check=Retention(kafka, EVENTS, login=login, keep_forever=keep_forever).check,
            save=save,
            tick=progress.tick,
            stopped=stop,
        )
        stack.enter_context(progress)
        try:
            run.run(start)
        except RecordingError as error:
            hint = "What stands before it has been sent. Correct the line, then go on with --resume."
            raise UserError(str(error), hint if run.sent else None, exit_code=2) from None
        except OSError as error:
            raise UserError(f"Cannot read {error.filename or 'the recording'}: {error.strerror}.", exit_code=2) from None
        except KeyboardInterrupt:
            sender.abandon()
        seconds = progress.seconds

    sent = sum(run.sent.values())
    summary = {
        "sent": sent,
        "delivered": sender.delivered,
        "failed": sender.failed,
        "errors": dict(sender.errors),
        "seconds": round(seconds, 3),
        "events_per_second": round(sent / seconds, 1),
        "topics": dict(sorted(run.sent.items())),
        "position": str(checkpoint) if checkpoint and not unkept else None,
        "complete": run.done,
    }
    close("Replayed", summary, as_json=as_json)
    if sender.failed:
        raise typer.Exit(DELIVERY_FAILED)
    if stop.requested and not run.done:
        raise typer.Exit(INTERRUPTED)
