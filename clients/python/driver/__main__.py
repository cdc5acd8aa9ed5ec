"""Reads commands from standard input, one JSON object a line, and answers on standard output.

test/interop/clients/protocol.ts describes both.
"""

import json
import os
import sys
import threading
from typing import Any

import grpc
import runlet
from runlet.v1 import (
    file_pb2_grpc,
    http_pb2_grpc,
    process_pb2_grpc,
    session_pb2_grpc,
    tunnel_pb2_grpc,
)

from driver.access import ACCESS
from driver.facts import Facts, Reader, failure_of
from driver.files import Download
from driver.operations import OPERATIONS, Call


class Driver:
    """What the commands share: connections, readers, standard output."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._output = threading.Lock()
        self._channels: dict[str, grpc.Channel] = {}
        self._readers: dict[str, Reader] = {}
        self._downloads: dict[str, Download] = {}

    def sessions(self, address: str) -> session_pb2_grpc.SessionServiceStub:
        return session_pb2_grpc.SessionServiceStub(self._channel(address))

    def processes(self, address: str) -> process_pb2_grpc.ProcessServiceStub:
        return process_pb2_grpc.ProcessServiceStub(self._channel(address))

    def files(self, address: str) -> file_pb2_grpc.FileServiceStub:
        return file_pb2_grpc.FileServiceStub(self._channel(address))

    def http(self, address: str) -> http_pb2_grpc.HttpServiceStub:
        return http_pb2_grpc.HttpServiceStub(self._channel(address))

    def tunnels(self, address: str) -> tunnel_pb2_grpc.TunnelServiceStub:
        return tunnel_pb2_grpc.TunnelServiceStub(self._channel(address))

    def reader(self, name: str) -> Reader:
        with self._lock:
            return self._readers.setdefault(name, Reader())

    def download(self, name: str) -> Download:
        with self._lock:
            return self._downloads.setdefault(name, Download())

    def print(self, reply: Facts) -> None:
        with self._output:
            print(json.dumps(reply), flush=True)

    def answer(self, command: dict[str, Any]) -> None:
        number = command["id"]
        call = Call(command, self, lambda fact: self.print({"id": number, "note": fact}))
        try:
            self.print({"id": number, "result": OPERATIONS[command["op"]](call)})
        except (grpc.RpcError, runlet.RunletError) as error:
            self.print({"id": number, "error": failure_of(error)})

    def _channel(self, address: str) -> grpc.Channel:
        """The connection to an address, which is made with its first call."""
        with self._lock:
            if address not in self._channels:
                self._channels[address] = runlet.open_channel(address, **ACCESS)
            return self._channels[address]


def main() -> None:
    driver = Driver()
    for line in sys.stdin:
        thread = threading.Thread(target=driver.answer, args=(json.loads(line),), daemon=True)
        thread.start()
    sys.stdout.flush()
    # Streams may be open still: nobody waits for them.
    os._exit(0)


main()
