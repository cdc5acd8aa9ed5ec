"""Shows what a client of runlet does: it survives a broken connection without losing
or doubling anything.

The argument is the address of a server, 127.0.0.1:50051 by default.
"""

import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from runlet.v1 import error_pb2, event_pb2, process_pb2, session_pb2
from runlet.v1.process_pb2_grpc import ProcessServiceStub
from runlet.v1.session_pb2_grpc import SessionServiceStub


class Client:
    """Works in one session, over one connection after the other."""

    def __init__(self, address: str) -> None:
        self.address = address
        # From a cryptographic source: nobody else can guess the session.
        self.session_id = str(uuid.uuid4())
        self.holder_id = str(uuid.uuid4())
        self.attempt = 0
        self.attachment_id = ""
        self.channel: grpc.Channel | None = None
        # Repeats the session's id in a header, for proxies that route by it.
        self.metadata = [("runlet-session-id", self.session_id)]

    def connect(self) -> None:
        """Opens a connection of its own, after giving up the one before."""
        if self.channel is not None:
            self.channel.close()
        # Two channels with the same options would share a connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(self.address, options)
        self.sessions = SessionServiceStub(self.channel)
        self.processes = ProcessServiceStub(self.channel)

    def attach(self) -> None:
        """Takes the session; again after a break, unless somebody else has it."""
        self.attempt += 1
        first = self.attempt == 1
        request = session_pb2.AttachSessionRequest(
            session_id=self.session_id,
            mode="ATTACH_MODE_TAKE_OVER" if first else "ATTACH_MODE_RESUME",
            holder_id=self.holder_id,
            attempt=self.attempt,
        )
        events = self.sessions.AttachSession(request, metadata=self.metadata)
        self.attachment_id = next(events).event.attached.attachment_id
        print("attached as attempt", self.attempt)
        # The session is attached as long as the stream is open and read.
        threading.Thread(target=drain, args=(events,), daemon=True).start()

    def target(self, process_id: str) -> dict[str, str]:
        return {
            "session_id": self.session_id,
            "process_id": process_id,
            "attachment_id": self.attachment_id,
        }

    def start(self, process_id: str, spec: process_pb2.ProcessSpec) -> process_pb2.Process:
        request = process_pb2.StartProcessRequest(
            **self.target(process_id), request_id=f"{process_id}-1", spec=spec
        )
        return self.processes.StartProcess(request, metadata=self.metadata).process

    def write(self, process_id: str, offset: int, data: bytes) -> None:
        """Says where its data belongs, so that a retry is not doubled."""
        request = process_pb2.WriteStdinRequest(
            **self.target(process_id), offset=offset, data=data
        )
        self.processes.WriteStdin(request, metadata=self.metadata)

    def watch(self, process_id: str, after_seq: int) -> Iterator[event_pb2.ProcessEvent]:
        """The events of a process after one that is known."""
        request = process_pb2.WatchProcessRequest(**self.target(process_id), after_seq=after_seq)
        answers = self.processes.WatchProcess(request, metadata=self.metadata)
        try:
            for answer in answers:
                yield from answer.events
        finally:
            answers.cancel()

    def read_line(self, process_id: str, after_seq: int) -> tuple[str, int]:
        """A line that a process wrote after an event, and the event that completed it."""
        line = b""
        for event in self.watch(process_id, after_seq):
            line += event.output.data
            if line.endswith(b"\n"):
                return line.decode().strip(), event.seq
        raise EOFError(process_id)


def drain(events: Any) -> None:
    try:
        for _ in events:
            pass
    except grpc.RpcError:
        # The connection is gone, or the session.
        pass


def print_error(error: grpc.RpcError) -> None:
    """Reads the typed details of a failed call."""
    info = error_details_pb2.ErrorInfo()
    failure = error_pb2.StartFailure()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(info):
            print("failed:", info.reason)
        if detail.Unpack(failure):
            print("because:", error_pb2.StartStage.Name(failure.stage), failure.errno_name)


def main() -> None:
    client = Client(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
    client.connect()
    create = session_pb2.CreateSessionRequest(
        session_id=client.session_id, detached_ttl=duration_pb2.Duration(seconds=60)
    )
    client.sessions.CreateSession(create, metadata=client.metadata)
    client.attach()

    # Started twice with one request id, it runs once.
    script = 'while read -r line; do echo "got $line"; done'
    echo = process_pb2.ProcessSpec(argv=["/bin/sh", "-c", script], stdin="STDIN_MODE_PIPE")
    first = client.start("echo", echo)
    again = client.start("echo", echo)
    print("started once:", str(first.pid == again.pid).lower())

    client.write("echo", 0, b"one\n")
    line, seq = client.read_line("echo", 0)
    print("read:", line)

    # The connection breaks, and nobody knows what the last write came to: repeat it.
    client.connect()
    client.attach()
    client.write("echo", 0, b"one\n")
    client.write("echo", 4, b"two\n")
    line, seq = client.read_line("echo", seq)
    print("read:", line)

    terminate = process_pb2.TerminateProcessRequest(**client.target("echo"))
    client.processes.TerminateProcess(terminate, metadata=client.metadata)
    for event in client.watch("echo", seq):
        if event.HasField("exited"):
            print("ended:", event_pb2.EndReason.Name(event.exited.reason))

    try:
        client.start("missing", process_pb2.ProcessSpec(argv=["/no/such/program"]))
    except grpc.RpcError as error:
        print_error(error)

    size = process_pb2.TerminalSize(columns=100, rows=30)
    stty = process_pb2.ProcessSpec(
        argv=["stty", "size"], terminal=process_pb2.Terminal(size=size)
    )
    client.start("terminal", stty)
    line, _ = client.read_line("terminal", 0)
    print("terminal:", line)

    close = session_pb2.CloseSessionRequest(session_id=client.session_id)
    client.sessions.CloseSession(close, metadata=client.metadata)


main()
