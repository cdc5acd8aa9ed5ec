"""Tells the server how far its events have come."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from runlet.v1 import process_pb2

if TYPE_CHECKING:
    from runlet._calls import Call

# Bytes of events after which it is told: few beside what a server waits for.
_BYTES = 1024 * 1024
# Seconds after which it is told of less, with the next message or heartbeat.
_SECONDS = 0.25


class Acknowledger:
    """Says of events that they have come, many at a time, one call at a time.

    A call may fail: what is sent next says the same and more.
    """

    def __init__(self, call: Call, process_id: str, reader_id: str) -> None:
        self._call = call
        self._request = {**call.process(process_id), "reader_id": reader_id}
        self._lock = threading.Lock()
        self._bytes = 0
        self._seq = 0
        self._said = 0
        self._said_at = time.monotonic()
        self._sending = False
        self._over = False

    def had(self, seq: int, size: int) -> None:
        """An event has come and all before it, so many bytes since the last time."""
        with self._lock:
            self._seq = seq
            self._bytes += size
            if not self._begin():
                return
        self._send()

    def stop(self) -> None:
        """Nothing is said any more."""
        with self._lock:
            self._over = True

    def _begin(self) -> bool:
        if self._sending or self._over or self._seq == self._said:
            return False
        if self._bytes < _BYTES and time.monotonic() - self._said_at < _SECONDS:
            return False
        self._sending = True
        self._bytes = 0
        self._said = self._seq
        self._said_at = time.monotonic()
        return True

    def _send(self) -> None:
        request = process_pb2.AcknowledgeOutputRequest(**self._request, seq=self._said)
        options = self._call.options
        try:
            answer: Any = self._call.processes.AcknowledgeOutput.future(request, **options)
        except ValueError:
            # The connection was given up.
            self.stop()
            return
        answer.add_done_callback(self._done)

    def _done(self, _answer: Any) -> None:
        with self._lock:
            self._sending = False
            if not self._begin():
                return
        self._send()
