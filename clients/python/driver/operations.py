"""What the driver can be told to do: a function for each operation, which returns facts."""

import base64
import threading
from collections.abc import Callable
from typing import Any

import runlet
from google.protobuf import duration_pb2
from runlet.events import from_message
from runlet.v1 import process_pb2, sandbox_pb2, session_pb2, signal_pb2

from driver import files, network
from driver.access import ACCESS
from driver.facts import Facts, Note, facts_of


class Call:
    """A command that is being performed."""

    def __init__(self, command: dict[str, Any], driver: Any, note: Note) -> None:
        self.command = command
        self.note = note
        self.sessions = driver.sessions(command["address"])
        self.processes = driver.processes(command["address"])
        self.files = driver.files(command["address"])
        self.http = driver.http(command["address"])
        self.tunnels = driver.tunnels(command["address"])
        self.reader = driver.reader(command.get("reader", ""))
        self.download = driver.download(command.get("reader", ""))
        self.session_id: str = command.get("session_id", "")
        # What every call carries: the header that proxies route by.
        header = command.get("header", self.session_id)
        self.options = {"metadata": [("runlet-session-id", header)], "wait_for_ready": True}

    def get(self, name: str, default: Any = None) -> Any:
        return self.command.get(name, default)

    def target(self) -> dict[str, str]:
        """The fields that name the process, the same in every request."""
        return {
            "session_id": self.session_id,
            "process_id": self.get("process_id", ""),
            "attachment_id": self.get("attachment_id", ""),
        }

    def scope(self) -> int:
        return signal_pb2.SignalScope.Value(self.get("scope", "SIGNAL_SCOPE_UNSPECIFIED"))

    def start_request(self) -> process_pb2.StartProcessRequest:
        spec = self.get("spec")
        terminal = spec.get("terminal")
        output = process_pb2.OutputPolicy(
            retained_bytes=spec.get("retained_bytes", 0), overflow=spec.get("overflow")
        )
        made = process_pb2.ProcessSpec(
            argv=spec["argv"],
            cwd=spec.get("cwd"),
            env=spec.get("env"),
            stdin=spec.get("stdin"),
            terminal=terminal and process_pb2.Terminal(size=size_of(terminal)),
            output=output,
            retention=milliseconds(spec.get("retention_ms")),
            sandbox=sandbox_with(spec.get("writable")),
        )
        return process_pb2.StartProcessRequest(
            **self.target(), request_id=self.get("request_id", ""), spec=made
        )

    def watch_request(self) -> dict[str, Any]:
        return {**self.target(), "after_seq": self.reader.last_seq}

    def take(self, answer: Any) -> None:
        known = [event for event in map(from_message, answer.events) if event is not None]
        self.reader.take(known, self.note, self.get("notify_bytes", 0))


def milliseconds(value: int | None) -> duration_pb2.Duration | None:
    if value is None:
        return None
    duration = duration_pb2.Duration()
    duration.FromMilliseconds(value)
    return duration


def sandbox_with(writable: list[str] | None) -> sandbox_pb2.Sandbox | None:
    """A sandbox in which programs run, and these paths can be changed."""
    if writable is None:
        return None
    rules = [
        sandbox_pb2.SandboxRule(place="SANDBOX_PLACE_PLATFORM", access="SANDBOX_ACCESS_READ")
    ]
    for path in writable:
        rules.append(sandbox_pb2.SandboxRule(path=path, access="SANDBOX_ACCESS_WRITE"))
    return sandbox_pb2.Sandbox(rules=rules)


def size_of(size: dict[str, Any]) -> process_pb2.TerminalSize:
    return process_pb2.TerminalSize(columns=size["columns"], rows=size["rows"])


def stdin_of(write: dict[str, Any]) -> dict[str, Any]:
    return {
        "offset": write.get("offset"),
        "data": base64.b64decode(write.get("data", "")),
        "eof": write.get("eof", False),
    }


def create(call: Call) -> Facts:
    request = session_pb2.CreateSessionRequest(session_id=call.session_id)
    answer = call.sessions.CreateSession(request, **call.options)
    return {"session_id": answer.session.session_id}


def close(call: Call) -> Facts:
    request = session_pb2.CloseSessionRequest(session_id=call.session_id)
    call.sessions.CloseSession(request, **call.options)
    return {}


def attach(call: Call) -> Facts:
    request = session_pb2.AttachSessionRequest(
        session_id=call.session_id,
        mode=call.get("mode"),
        holder_id=call.get("holder_id", ""),
        attempt=call.get("attempt", 0),
    )
    for answer in call.sessions.AttachSession(request, **call.options):
        event = answer.event
        kind = event.WhichOneof("event")
        if kind == "attached":
            ids = [process.process_id for process in event.attached.processes]
            call.note({"attachment_id": event.attached.attachment_id, "process_ids": ids})
        elif kind == "process_closed":
            call.note({"closed": event.process_closed.process.process_id})
        elif kind == "process_evicted":
            call.note({"evicted": event.process_evicted.process_id})
    return {}


def start(call: Call) -> Facts:
    return facts_of(call.processes.StartProcess(call.start_request(), **call.options).process)


def get(call: Call) -> Facts:
    request = process_pb2.GetProcessRequest(**call.target())
    return facts_of(call.processes.GetProcess(request, **call.options).process)


def wait(call: Call) -> Facts:
    request = process_pb2.WaitProcessRequest(**call.target())
    return facts_of(call.processes.WaitProcess(request, **call.options).process)


def watch(call: Call) -> Facts:
    reader_id = call.get("reader_id", "")
    request = process_pb2.WatchProcessRequest(**call.watch_request(), reader_id=reader_id)
    for answer in call.processes.WatchProcess(request, **call.options):
        call.take(answer)
        if reader_id and answer.events:
            acknowledge = process_pb2.AcknowledgeOutputRequest(
                **call.target(), reader_id=reader_id, seq=call.reader.last_seq
            )
            # That it failed, the stream tells too.
            call.processes.AcknowledgeOutput.future(acknowledge, **call.options)
    return call.reader.facts()


def read(call: Call) -> Facts:
    request = process_pb2.ReadProcessRequest(
        **call.watch_request(), wait=milliseconds(call.get("wait_ms", 0))
    )
    call.take(call.processes.ReadProcess(request, **call.options))
    return call.reader.facts()


def write(call: Call) -> Facts:
    request = process_pb2.WriteStdinRequest(**call.target(), **stdin_of(call.command))
    answer = call.processes.WriteStdin(request, **call.options)
    return {"accepted_offset": answer.accepted_offset}


def stream(call: Call) -> Facts:
    requests = (
        process_pb2.StreamStdinRequest(**call.target(), **stdin_of(write))
        for write in call.get("writes")
    )
    answer = call.processes.StreamStdin(requests, **call.options)
    return {"accepted_offset": answer.accepted_offset}


def interact(call: Call) -> Facts:
    requests = [process_pb2.InteractRequest(start=call.start_request())]
    for written in call.get("writes", []):
        stdin = process_pb2.InteractStdin(**stdin_of(written))
        requests.append(process_pb2.InteractRequest(stdin=stdin))
    for answer in call.processes.Interact(iter(requests), **call.options):
        call.take(answer)
    return call.reader.facts()


def signal(call: Call) -> Facts:
    request = process_pb2.SignalProcessRequest(
        **call.target(), signal=call.get("signal"), scope=call.scope()
    )
    call.processes.SignalProcess(request, **call.options)
    return {}


def terminate(call: Call) -> Facts:
    request = process_pb2.TerminateProcessRequest(
        **call.target(), grace=milliseconds(call.get("grace_ms")), scope=call.scope()
    )
    answer = call.processes.TerminateProcess(request, **call.options)
    return {**facts_of(answer.process), "was_running": answer.was_running}


def resize(call: Call) -> Facts:
    request = process_pb2.ResizeTerminalRequest(**call.target(), size=size_of(call.command))
    call.processes.ResizeTerminal(request, **call.options)
    return {}


def follow(call: Call) -> Facts:
    """All of it as the package does it by itself."""
    spec = dict(call.get("spec"))
    stdin = spec.pop("stdin", "") == "STDIN_MODE_PIPE"
    if "overflow" in spec:
        spec["overflow"] = spec["overflow"].removeprefix("OVERFLOW_").lower()
    with runlet.connect(call.get("address"), **ACCESS) as client:
        session = client.session(call.session_id)
        process = session.start(
            spec.pop("argv"), stdin=stdin, process_id=call.get("process_id"), **spec
        )
        if stdin:
            data = base64.b64decode(call.get("data", ""))
            threading.Thread(target=feed, args=(process, data), daemon=True).start()
        for event in process.events():
            call.reader.take([event], call.note, call.get("notify_bytes", 0))
    return call.reader.facts()


def feed(process: runlet.Process, data: bytes) -> None:
    process.stdin.write(data)
    process.stdin.close()


OPERATIONS: dict[str, Callable[[Call], Facts]] = {
    operation.__name__: operation
    for operation in (
        *(create, close, attach, start, get, wait, watch, read),
        *(write, stream, interact, signal, terminate, resize, follow),
        *(files.list_files, files.upload, files.get_upload, files.download),
        *(network.connect, network.request),
    )
}
