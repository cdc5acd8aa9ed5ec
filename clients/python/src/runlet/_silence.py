"""Ends streams on which nothing comes any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import Any


def unless_silent(call: Any, first: float, then: float) -> Generator[Any, None, None]:
    """The messages of a stream, which is cancelled if it is silent for too long.

    `first` is how long the first may take, `then` how long every other, in seconds. What the
    program takes between them does not count.
    """
    state = _Waiting(limit=first)
    watch = threading.Thread(target=state.watch, args=(call,), name="runlet-silence", daemon=True)
    watch.start()
    try:
        while True:
            state.since = time.monotonic()
            message = next(call, None)
            state.since = None
            state.limit = then
            if message is None:
                return
            yield message
    finally:
        state.done.set()
        call.cancel()


class _Waiting:
    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.since: float | None = None
        self.done = threading.Event()

    def watch(self, call: Any) -> None:
        pause = self.limit
        while not self.done.wait(pause):
            since = self.since
            waited = 0.0 if since is None else time.monotonic() - since
            if waited >= self.limit:
                call.cancel()
                return
            pause = self.limit - waited
