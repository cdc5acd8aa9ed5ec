"""Processes."""

from __future__ import annotations

import signal as signals
import time
from collections.abc import Iterator
from typing import Any

from runlet._calls import Calls
from runlet._spec import duration
from runlet.errors import OutputLost
from runlet.events import Event, Exit, Gap, Output, ProcessInfo, exit_of, from_message, info_of
from runlet.stdin import Stdin
from runlet.v1 import process_pb2, signal_pb2


class OutputStream:
    """What a process wrote to one stream, from the beginning, whenever it is read."""

    def __init__(self, process: Process, name: str) -> None:
        self._process = process
        self._name = name

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, as they come, to the end. Raises OutputLost where some were dropped."""
        for event in self._process.events():
            if isinstance(event, Output) and event.stream == self._name:
                yield event.data
            elif isinstance(event, Gap):
                lost = [part for part in event.ranges if part.stream == self._name]
                if lost:
                    raise OutputLost(lost)

    def lines(self) -> Iterator[bytes]:
        """The same, a line at a time, each with its end."""
        rest: list[bytes] = []
        for chunk in self:
            *complete, last = chunk.split(b"\n")
            for line in complete:
                yield b"".join((*rest, line, b"\n"))
                rest.clear()
            if last:
                rest.append(last)
        if rest:
            yield b"".join(rest)

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self)


class Process:
    """A process on the server, which goes on whatever becomes of the connection."""

    def __init__(
        self, calls: Calls, message: process_pb2.Process, stdin_offset: int | None
    ) -> None:
        self._calls = calls
        self._acknowledge = message.overflow == process_pb2.OVERFLOW_PAUSE
        self.id = message.process_id
        self.pid = message.pid
        """Its number on the server's machine, for people."""
        self.has_terminal = message.has_terminal
        self.has_stdin = message.has_stdin
        self.stdin = Stdin(calls, self.id, stdin_offset)
        """Its standard input. One that was started without refuses it: StdinClosed."""
        self.stdout = OutputStream(self, "stdout")
        self.stderr = OutputStream(self, "stderr")
        self.terminal = OutputStream(self, "terminal")
        """What it shows on its terminal, instead of `stdout` and `stderr`."""

    def events(self, after: int = 0) -> Iterator[Event]:
        """Everything that happens to it, after the event with this `seq`, to `Closed`.

        Nothing is missing or doubled where the connection breaks. A process with the overflow
        `pause` may be held up until what was iterated over is followed by more.
        """
        for message in self._calls.follow(self.id, after, self._acknowledge):
            event = from_message(message)
            if event is not None:
                yield event

    def wait(self, timeout: float | None = None, *, closed: bool = False) -> Exit:
        """How it ended, once it has; with `closed`, once its output has ended too.

        Raises TimeoutError after so many seconds.
        """
        until = "WAIT_UNTIL_CLOSED" if closed else "WAIT_UNTIL_EXITED"
        answer = self._calls.call(
            lambda call: call.processes.WaitProcess(
                process_pb2.WaitProcessRequest(**call.process(self.id), until=until),
                **call.options,
            ),
            deadline=None if timeout is None else time.monotonic() + timeout,
        )
        return exit_of(answer.process.status, answer.process.reason)

    def info(self) -> ProcessInfo:
        """What it is now."""
        answer = self._calls.call(
            lambda call: call.processes.GetProcess(
                process_pb2.GetProcessRequest(**call.process(self.id)), **call.options
            )
        )
        return info_of(answer.process)

    def signal(self, signal: int | str, scope: str = "group") -> None:
        """Sends a signal: `signal.SIGINT`, or `INT`; to its `group`, `leader` or `tree`.

        It is sent once at most: where the connection breaks meanwhile, nobody knows whether
        it was, and ConnectionFailed says so with `outcome_unknown`.
        """
        name = _name_of(signal)
        whom = _scope(scope)
        self._calls.call(
            lambda call: call.processes.SignalProcess(
                process_pb2.SignalProcessRequest(
                    **call.process(self.id), signal=name, scope=whom
                ),
                **call.options,
            ),
            idempotent=name == "SIGNAL_KILL",
        )

    def kill(self) -> None:
        """Sends SIGKILL to its group."""
        self.signal(signals.SIGKILL)

    def terminate(self, grace: float | None = None, scope: str = "tree") -> bool:
        """Ends it and what came of it: SIGTERM, and SIGKILL after the grace, 5 seconds.

        Returns when it has ended: whether it ran before. What it wrote can still be read.
        """
        wait = None if grace is None else duration(grace)
        whom = _scope(scope)
        answer = self._calls.call(
            lambda call: call.processes.TerminateProcess(
                process_pb2.TerminateProcessRequest(
                    **call.process(self.id), grace=wait, scope=whom
                ),
                **call.options,
            )
        )
        return bool(answer.was_running)

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size of its terminal."""
        size = process_pb2.TerminalSize(columns=columns, rows=rows)
        self._calls.call(
            lambda call: call.processes.ResizeTerminal(
                process_pb2.ResizeTerminalRequest(**call.process(self.id), size=size),
                **call.options,
            )
        )


def _name_of(signal: int | str) -> str:
    """What the protos call it: its number there is that of Linux, whatever runs this program."""
    name = signal if isinstance(signal, str) else signals.Signals(signal).name
    return _known(signal_pb2.Signal, f"SIGNAL_{name.upper().removeprefix('SIG')}", "signal")


def _scope(scope: str) -> str:
    return _known(signal_pb2.SignalScope, f"SIGNAL_SCOPE_{scope.upper()}", "scope")


def _known(names: Any, name: str, what: str) -> str:
    if name not in names.keys():
        raise ValueError(f"there is no {what} {name}")
    return name
