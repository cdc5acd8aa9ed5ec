"""What happens to a process, and how it ends."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple, Union

from runlet.v1 import event_pb2, process_pb2, signal_pb2


class Exit(NamedTuple):
    """How a process ended: with a `code`, or by a `signal`, the other is None."""

    code: int | None
    signal: str | None
    """Its name: `SIGTERM`; a number where it has none."""
    reason: str
    """Why: `exited`, `signaled`, `timed-out`, `terminated`, `session-expired`, ..."""

    def __str__(self) -> str:
        how = f"exit code {self.code}" if self.signal is None else self.signal
        return how if self.reason in ("exited", "signaled") else f"{how} ({self.reason})"


class OutputRange(NamedTuple):
    """Consecutive bytes of one stream."""

    stream: str
    offset: int
    length: int


class Started(NamedTuple):
    """The process was started. Always `seq` 1."""

    seq: int
    time: datetime
    pid: int


class Output(NamedTuple):
    """It wrote `data` to `stream`: `stdout`, `stderr` or `terminal`."""

    seq: int
    time: datetime
    stream: str
    offset: int
    data: bytes


class Gap(NamedTuple):
    """It wrote output that is no longer retained."""

    seq: int
    time: datetime
    ranges: tuple[OutputRange, ...]


class InputClosed(NamedTuple):
    """Its standard input was closed."""

    seq: int
    time: datetime


class Exited(NamedTuple):
    """The process itself ended. Its output may go on."""

    seq: int
    time: datetime
    exit: Exit


class Closed(NamedTuple):
    """It exited and its output ended. Nothing follows."""

    seq: int
    time: datetime
    totals: dict[str, int]
    """How many bytes were read from each stream in all."""
    output_complete: bool
    """Whether every stream was read to its end."""


Event = Union[Started, Output, Gap, InputClosed, Exited, Closed]


class ProcessInfo(NamedTuple):
    """What a process is at a moment."""

    id: str
    pid: int
    state: str
    """`running`, `exited` (output may follow) or `closed`."""
    argv: tuple[str, ...]
    labels: dict[str, str]
    exit: Exit | None
    """None: it runs."""


def from_message(message: event_pb2.ProcessEvent) -> Event | None:
    """An event from its message; None: a kind that is not known here."""
    kind = message.WhichOneof("event")
    seq, time = message.seq, message.time.ToDatetime(timezone.utc)
    if kind == "output":
        output = message.output
        return Output(seq, time, _STREAMS[output.stream], output.offset, output.data)
    if kind == "started":
        return Started(seq, time, message.started.pid)
    if kind == "gap":
        ranges = (OutputRange(_STREAMS[r.stream], r.offset, r.length) for r in message.gap.ranges)
        return Gap(seq, time, tuple(ranges))
    if kind == "stdin_closed":
        return InputClosed(seq, time)
    if kind == "exited":
        return Exited(seq, time, exit_of(message.exited.status, message.exited.reason))
    if kind == "closed":
        totals = {_STREAMS[total.stream]: total.bytes for total in message.closed.totals}
        return Closed(seq, time, totals, message.closed.output_complete)
    return None


def info_of(process: process_pb2.Process) -> ProcessInfo:
    """What a process is, from its message."""
    ended = process.HasField("status")
    return ProcessInfo(
        id=process.process_id,
        pid=process.pid,
        state=process_pb2.ProcessState.Name(process.state).removeprefix("PROCESS_STATE_").lower(),
        argv=tuple(process.argv),
        labels=dict(process.labels),
        exit=exit_of(process.status, process.reason) if ended else None,
    )


def exit_of(status: event_pb2.ExitStatus, reason: int) -> Exit:
    """How a process ended, from what the server says of it."""
    name = event_pb2.EndReason.Name(reason) if reason in _END_REASONS else str(reason)
    why = name.removeprefix("END_REASON_").lower().replace("_", "-")
    if status.WhichOneof("status") == "code":
        return Exit(status.code, None, why)
    known = status.signal in signal_pb2.Signal.values()
    signal = signal_pb2.Signal.Name(status.signal) if known else str(status.signal)
    return Exit(None, signal.replace("SIGNAL_", "SIG"), why)


_END_REASONS = frozenset(event_pb2.EndReason.values())


class _Streams(dict[int, str]):
    """The names of streams; those that are not known yet have their number."""

    def __missing__(self, number: int) -> str:
        return str(number)


_STREAMS = _Streams(
    {
        number: name.removeprefix("OUTPUT_STREAM_").lower()
        for name, number in event_pb2.OutputStream.items()
    }
)
