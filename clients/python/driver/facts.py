"""What is told of events, processes and failures."""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import runlet
from runlet.errors import from_rpc
from runlet.events import exit_of
from runlet.v1 import error_pb2, process_pb2

Facts = dict[str, Any]
Note = Callable[[Facts], None]

KINDS = {
    runlet.Started: "started",
    runlet.Output: "output",
    runlet.Gap: "gap",
    runlet.InputClosed: "stdin_closed",
    runlet.Exited: "exited",
    runlet.Closed: "closed",
}

# Output up to this size is reported itself, beside its hash.
SMALL_BYTES = 4096


class Output:
    """What was had of one stream of output."""

    def __init__(self) -> None:
        self.bytes = 0
        self.missing = 0
        self.exact = True
        self._hash = hashlib.sha256()
        self._small = b""

    def append(self, had: runlet.Output) -> None:
        self.exact = self.exact and had.offset == self.bytes + self.missing
        self.bytes += len(had.data)
        self._hash.update(had.data)
        if self.bytes <= SMALL_BYTES:
            self._small += had.data

    def skip(self, lost: runlet.OutputRange) -> None:
        self.exact = self.exact and lost.offset == self.bytes + self.missing
        self.missing += lost.length

    def facts(self) -> Facts:
        facts: Facts = {"bytes": self.bytes, "missing": self.missing, "exact": self.exact}
        facts["sha256"] = self._hash.hexdigest()
        if self.bytes <= SMALL_BYTES:
            facts["data"] = base64.b64encode(self._small).decode()
        return facts


class Reader:
    """Has had some of the events of a process, from one stream or several."""

    def __init__(self) -> None:
        self.last_seq = 0
        self._lock = threading.Lock()
        self._in_order = True
        self._total = 0
        self._kinds: list[str] = []
        self._streams: dict[str, Output] = {}
        self._exited: Facts | None = None
        self._closed: Facts | None = None

    def take(
        self, events: Iterable[runlet.Event], note: Note, notify_bytes: int = 0
    ) -> None:
        """Records events; tells when the bytes of output have become as many as asked for."""
        with self._lock:
            before = self._total
            for event in events:
                kind = self._record(event)
                if self._kinds[-1:] != [kind]:
                    self._kinds.append(kind)
                if kind != "output":
                    note({"kind": kind})
            if before < notify_bytes <= self._total:
                note({"bytes": self._total})

    def facts(self) -> Facts:
        with self._lock:
            return {
                "kinds": list(self._kinds),
                "last_seq": self.last_seq,
                "in_order": self._in_order,
                "streams": {name: output.facts() for name, output in self._streams.items()},
                "exited": self._exited,
                "closed": self._closed,
            }

    def _record(self, event: runlet.Event) -> str:
        # A gap has the number of the last event that it stands for.
        follows = event.seq == self.last_seq + 1
        late = isinstance(event, runlet.Gap) and event.seq > self.last_seq
        self._in_order = self._in_order and (follows or late)
        self.last_seq = event.seq
        if isinstance(event, runlet.Output):
            self._total += len(event.data)
            self._stream(event.stream).append(event)
        elif isinstance(event, runlet.Gap):
            for lost in event.ranges:
                self._stream(lost.stream).skip(lost)
        elif isinstance(event, runlet.Exited):
            self._exited = end_of(event.exit)
        elif isinstance(event, runlet.Closed):
            complete = event.output_complete
            self._closed = {"output_complete": complete, "totals": event.totals}
        return KINDS[type(event)]

    def _stream(self, stream: str) -> Output:
        return self._streams.setdefault(stream, Output())


def facts_of(process: process_pb2.Process) -> Facts:
    facts: Facts = {"process_id": process.process_id, "pid": process.pid}
    facts["state"] = process_pb2.ProcessState.Name(process.state)
    if process.HasField("status"):
        facts["exited"] = end_of(exit_of(process.status, process.reason))
    return facts


def end_of(end: runlet.Exit) -> Facts:
    facts: Facts = {"reason": "END_REASON_" + end.reason.upper().replace("-", "_")}
    if end.signal is None:
        facts["code"] = end.code
    else:
        facts["signal"] = end.signal.replace("SIG", "SIGNAL_")
    return facts


def failure_of(error: grpc.RpcError | runlet.RunletError) -> Facts:
    if isinstance(error, grpc.RpcError):
        error = from_rpc(error)
    if not isinstance(error, runlet.RemoteError):
        lost = isinstance(error, runlet.SessionLost)
        return {"code": "LOST" if lost else "FAILED", "reason": error.reason}
    facts: Facts = {"code": error.code}
    if error.reason:
        facts |= {"reason": error.reason, "domain": error.domain, "metadata": error.metadata}
    if error.fields:
        facts["fields"] = error.fields
    if isinstance(error, runlet.StartFailed):
        facts["stage"] = f"START_STAGE_{error.stage}"
        facts["errno_name"] = error.errno_name
    if error.file is not None:
        facts["operation"] = error.file.operation
        facts["errno_name"] = error.file.errno_name
    if error.http is not None:
        facts["stage"] = error_pb2.HttpStage.Name(error.http.stage)
        facts["errno_name"] = error.http.code
    if error.tunnel is not None:
        facts["stage"] = error_pb2.TunnelStage.Name(error.tunnel.stage)
        facts["errno_name"] = error.tunnel.errno_name
    return facts
