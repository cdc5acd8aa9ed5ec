"""Connections to a server."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import grpc

from runlet._access import Tls, Token, check_access, is_local, open_secured
from runlet.v1.process_pb2_grpc import ProcessServiceStub
from runlet.v1.server_pb2_grpc import ServerServiceStub
from runlet.v1.session_pb2_grpc import SessionServiceStub

Metadata = Sequence[tuple[str, str]]
HEADER = "runlet-session-id"


@dataclass(frozen=True)
class Settings:
    """How a client connects. Times are in seconds."""

    address: str
    credentials: grpc.ChannelCredentials | None
    metadata: Union[Metadata, Callable[[], Metadata]]
    connect_timeout: float
    window: float | None
    tls: Union[Tls, bool, None] = None
    # Not for whoever prints it.
    token: Token | None = field(default=None, repr=False)
    allow_insecure: bool = False
    initial_backoff: float = 0.1
    max_backoff: float = 3.0
    attempt_timeout: float = 10.0

    def headers(self, session_id: str) -> list[tuple[str, str]]:
        """What every call of a session carries."""
        own = self.metadata() if callable(self.metadata) else self.metadata
        return [*own, *([(HEADER, session_id)] if session_id else [])]


def open_channel(
    address: str,
    credentials: grpc.ChannelCredentials | None = None,
    *,
    tls: Union[Tls, bool, None] = None,
    token: Token | None = None,
    allow_insecure: bool = False,
) -> grpc.Channel:
    """Opens a connection of its own to a server; it is made with the first call.

    `tls`, `token` and `allow_insecure` are those of `connect`. Raises OSError for files of TLS.
    """
    check_access(address, credentials, tls, token, allow_insecure)
    options: list[tuple[str, Any]] = [
        # Two channels with the same options would share a connection.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # No proxy of the environment leads to what is on this machine.
        ("grpc.enable_http_proxy", 0 if is_local(address) else 1),
        # It is given up when it fails: nobody waits for it to come back.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    return open_secured(address, options, credentials, tls, token)


class Connection:
    """The services of a server, over one connection, and who is attached over it."""

    def __init__(self, settings: Settings) -> None:
        self._channel = open_channel(
            settings.address,
            settings.credentials,
            tls=settings.tls,
            token=settings.token,
            allow_insecure=settings.allow_insecure,
        )
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
