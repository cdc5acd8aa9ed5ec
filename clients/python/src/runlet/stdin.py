"""Standard input of processes."""

from __future__ import annotations

import threading

from runlet._calls import Call, Calls
from runlet.errors import StdinClosed, StdinConflict
from runlet.v1 import process_pb2

# Bytes of one write at most: a message stays below what proxies refuse, 1 MiB by default.
_MAX_WRITE = 511 * 1024


class Stdin:
    """A process's standard input. A write returns when its bytes are in the pipe.

    So it is as slow as the process reads. What a break of the connection leaves in doubt is
    written again, at its place, and never doubled.
    """

    def __init__(self, calls: Calls, process_id: str, offset: int | None) -> None:
        self._calls = calls
        self._process_id = process_id
        self._lock = threading.Lock()
        # None: to be asked for.
        self._offset = offset

    def write(self, data: bytes | str) -> None:
        """Writes all of it; text as UTF-8."""
        raw = data.encode() if isinstance(data, str) else bytes(data)
        with self._lock:
            for begin in range(0, len(raw), _MAX_WRITE):
                self._write(raw[begin : begin + _MAX_WRITE], eof=False)

    def close(self) -> None:
        """The end of the file. It is no error if the process closed its end before."""
        with self._lock:
            try:
                self._write(b"", eof=True)
            except StdinClosed:
                pass

    def _write(self, data: bytes, *, eof: bool) -> None:
        if self._offset is None:
            self._offset = self._send(process_pb2.WriteStdinRequest())
        offset = self._offset
        request = process_pb2.WriteStdinRequest(offset=offset, data=data, eof=eof)
        accepted = self._send(request)
        self._offset = offset + len(data)
        if accepted != self._offset:
            raise StdinConflict(f"{accepted} bytes were accepted, and {self._offset} were written")

    def _send(self, request: process_pb2.WriteStdinRequest) -> int:
        def make(call: Call) -> int:
            target = process_pb2.WriteStdinRequest(**call.process(self._process_id))
            target.MergeFrom(request)
            answer: process_pb2.WriteStdinResponse = call.processes.WriteStdin(
                target, **call.options
            )
            return answer.accepted_offset

        return self._calls.call(make)
