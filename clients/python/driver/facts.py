"""What is told of events, processes and failures."""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from runlet.v1 import error_pb2, event_pb2, process_pb2, signal_pb2

Facts = dict[str, Any]
Note = Callable[[Facts], None]

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

    def append(self, had: event_pb2.ProcessOutput) -> None:
        self.exact = self.exact and had.offset == self.bytes + self.missing
        self.bytes += len(had.data)
        self._hash.update(had.data)
        if self.bytes <= SMALL_BYTES:
            self._small += had.data

    def skip(self, lost: event_pb2.OutputRange) -> None:
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
        self, events: Iterable[event_pb2.ProcessEvent], note: Note, notify_bytes: int = 0
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

    def _record(self, event: event_pb2.ProcessEvent) -> str:
        kind = event.WhichOneof("event") or "unknown"
        # A gap has the number of the last event that it stands for.
        follows = event.seq == self.last_seq + 1
        late = kind == "gap" and event.seq > self.last_seq
        self._in_order = self._in_order and (follows or late)
        self.last_seq = event.seq
        if kind == "output":
            self._total += len(event.output.data)
            self._stream(event.output.stream).append(event.output)
        elif kind == "gap":
            for lost in event.gap.ranges:
                self._stream(lost.stream).skip(lost)
        elif kind == "exited":
            self._exited = end_of(event.exited.status, event.exited.reason)
        elif kind == "closed":
            self._closed = {
                "output_complete": event.closed.output_complete,
                "totals": {_name_of(t.stream): t.bytes for t in event.closed.totals},
            }
        return kind

    def _stream(self, stream: event_pb2.OutputStream) -> Output:
        return self._streams.setdefault(_name_of(stream), Output())


def facts_of(process: process_pb2.Process) -> Facts:
    facts: Facts = {"process_id": process.process_id, "pid": process.pid}
    facts["state"] = process_pb2.ProcessState.Name(process.state)
    if process.HasField("status"):
        facts["exited"] = end_of(process.status, process.reason)
    return facts


def end_of(status: event_pb2.ExitStatus, reason: event_pb2.EndReason) -> Facts:
    facts: Facts = {"reason": event_pb2.EndReason.Name(reason)}
    if status.WhichOneof("status") == "code":
        facts["code"] = status.code
    else:
        facts["signal"] = signal_pb2.Signal.Name(status.signal)
    return facts


def failure_of(error: grpc.RpcError) -> Facts:
    """Reads grpc-status-details-bin."""
    facts: Facts = {"code": error.code().name}
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else []:
        info = error_details_pb2.ErrorInfo()
        start_failure = error_pb2.StartFailure()
        bad_request = error_details_pb2.BadRequest()
        if detail.Unpack(info):
            facts |= {"reason": info.reason, "domain": info.domain}
            facts["metadata"] = dict(info.metadata)
        elif detail.Unpack(start_failure):
            facts["stage"] = error_pb2.StartStage.Name(start_failure.stage)
            facts["errno_name"] = start_failure.errno_name
        elif detail.Unpack(bad_request):
            facts["fields"] = [violation.field for violation in bad_request.field_violations]
    return facts


def _name_of(stream: event_pb2.OutputStream) -> str:
    """stdout, stderr or terminal."""
    return event_pb2.OutputStream.Name(stream).removeprefix("OUTPUT_STREAM_").lower()
