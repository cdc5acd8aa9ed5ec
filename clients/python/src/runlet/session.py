"""Sessions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from types import TracebackType

from typing_extensions import Self, Unpack

from runlet._calls import Call, Calls
from runlet._link import Link
from runlet._spec import SpecOptions, spec_of
from runlet.errors import RunletError
from runlet.events import ProcessInfo, info_of
from runlet.process import Process
from runlet.v1 import process_pb2


class Session:
    """Owns processes, and is kept attached over as many connections as it takes.

    As a context manager it is closed at the end, unless it was left before.
    """

    def __init__(self, link: Link, retention: float, close: Callable[[], None]) -> None:
        self.id = link.session_id
        self._link = link
        self._calls = Calls(link)
        self._retention = retention
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except RunletError:
            # What happened inside is what counts.
            if error is None:
                raise

    @property
    def lost(self) -> RunletError | None:
        """Why it is over for this client; None: it is not."""
        return self._link.lost

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: bool = False,
        process_id: str = "",
        **options: Unpack[SpecOptions],
    ) -> Process:
        """Starts a command, once, however often the connection breaks meanwhile.

        `stdin` gives it a standard input to write to. Raises StartFailed.
        """
        spec = spec_of(argv, stdin, self._retention, options)
        request_id = str(uuid.uuid4())

        def make(call: Call) -> process_pb2.StartProcessResponse:
            request = process_pb2.StartProcessRequest(
                **call.process(process_id), request_id=request_id, spec=spec
            )
            answer: process_pb2.StartProcessResponse = call.processes.StartProcess(
                request, **call.options
            )
            return answer

        return Process(self._calls, self._calls.call(make).process, stdin_offset=0)

    def process(self, process_id: str) -> Process:
        """A process that was started before, perhaps by another program."""
        answer = self._calls.call(
            lambda call: call.processes.GetProcess(
                process_pb2.GetProcessRequest(**call.process(process_id)), **call.options
            )
        )
        return Process(self._calls, answer.process, stdin_offset=None)

    def processes(self) -> list[ProcessInfo]:
        """All its processes, in the order in which they were started."""
        found: list[ProcessInfo] = []
        token = ""

        def list_more(call: Call) -> process_pb2.ListProcessesResponse:
            request = process_pb2.ListProcessesRequest(**call.session, page_token=token)
            answer: process_pb2.ListProcessesResponse = call.processes.ListProcesses(
                request, **call.options
            )
            return answer

        while True:
            page = self._calls.call(list_more)
            found += [info_of(process) for process in page.processes]
            token = page.next_page_token
            if not token:
                return found

    def detach(self) -> None:
        """Leaves it: it lives on for its `detached_ttl`, and can be come back to by its id."""
        self._link.end(self._link.loss("left"))

    def close(self) -> None:
        """Ends it and every process in it. Nothing happens if it is over already."""
        if self._link.lost is None:
            self.detach()
            self._close()
