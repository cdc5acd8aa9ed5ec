"""Connections to a server."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Union

import grpc

from runlet.v1.process_pb2_grpc import ProcessServiceStub
from runlet.v1.server_pb2_grpc import ServerServiceStub
from runlet.v1.session_pb2_grpc import SessionServiceStub

Metadata = Sequence[tuple[str, str]]
HEADER = "runlet-session-id"

# No proxy of the environment leads to what is on this machine.
_LOCAL = re.compile(r"^(unix:|localhost:|127\.|\[::1\])")


@dataclass(frozen=True)
class Settings:
    """How a client connects. Times are in seconds."""

    address: str
    credentials: grpc.ChannelCredentials | None
    metadata: Union[Metadata, Callable[[], Metadata]]
    connect_timeout: float
    window: float | None
    initial_backoff: float = 0.1
    max_backoff: float = 3.0
    attempt_timeout: float = 10.0

    def headers(self, session_id: str) -> list[tuple[str, str]]:
        """What every call of a session carries."""
        own = self.metadata() if callable(self.metadata) else self.metadata
        return [*own, *([(HEADER, session_id)] if session_id else [])]


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None = None
) -> grpc.Channel:
    """Opens a connection of its own to a server; it is made with the first call."""
    options: list[tuple[str, Any]] = [
        # Two channels with the same options would share a connection.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.enable_http_proxy", 0 if _LOCAL.match(address) else 1),
        # It is given up when it fails: nobody waits for it to come back.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


class Connection:
    """The services of a server, over one connection, and who is attached over it."""

    def __init__(self, settings: Settings) -> None:
        self._channel = open_channel(settings.address, settings.credentials)
        # Generated code has no types.
        self.sessions = SessionServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self.processes = ProcessServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self.server = ServerServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self.attachment_id = ""
        self.over = False

    def end(self) -> None:
        """Gives it up: every call on it fails. Idempotent."""
        self.over = True
        self._channel.close()


class Backoff:
    """Pauses that double, each drawn from its upper half: clients do not come back all at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._attempts = 0

    def next(self) -> float:
        """The next pause, in seconds."""
        most = min(self._settings.max_backoff, self._settings.initial_backoff * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        return most * random.uniform(0.5, 1)

    def reset(self) -> None:
        """An attempt succeeded."""
        self._attempts = 0
