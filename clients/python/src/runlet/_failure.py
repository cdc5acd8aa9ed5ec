"""What the failure of a call means."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

import grpc

from runlet.errors import DOMAIN, ConnectionFailed, RemoteError, RunletError, from_rpc

# What the library and proxies give where no answer came, without a reason of the server's.
_CONNECTION = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
# The same, but programs that fail give them too.
_AMBIGUOUS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}

# Failures in a row of one call that may be the server's fault, before it is given up.
MAX_AMBIGUOUS = 5

# What ends a session for this client, by the reason that the server gives.
LOST_REASONS = {
    "SESSION_NOT_FOUND": "expired",
    "SESSION_CLOSED": "closed",
    "ATTACHMENT_SUPERSEDED": "superseded",
    "DRAINING": "server-shutdown",
}


class Kind(Enum):
    """What it was."""

    REFUSED = 1
    CREDENTIALS = 2
    CREDENTIALS_OVER = 3
    """The server does not know who calls, or not any more. Nothing was done, and the next token,
    or certificate, may be a new one."""
    CONNECTION = 4


class Failure(NamedTuple):
    """What a call failed of."""

    kind: Kind
    error: RunletError
    ambiguous: bool = False

    @property
    def lost_reason(self) -> str:
        """Why the session is lost; empty: it is not for this."""
        return LOST_REASONS.get(self.error.reason, "") if self.kind is Kind.REFUSED else ""


def failure_of(error: Exception) -> Failure:
    """Tells what a call failed of; raises what is no failure of a call."""
    if isinstance(error, ConnectionFailed):
        return Failure(Kind.CONNECTION, error)
    if isinstance(error, RemoteError):
        return Failure(Kind.REFUSED, error)
    if not isinstance(error, grpc.RpcError):
        raise error
    call: Any = error
    remote = from_rpc(error)
    remote.__cause__ = error
    if call.code() is grpc.StatusCode.UNAUTHENTICATED:
        return Failure(Kind.CREDENTIALS_OVER, remote)
    # A proxy on the way may say why in words of its own.
    if remote.domain != DOMAIN:
        if call.code() in _CONNECTION or call.code() in _AMBIGUOUS:
            failed = ConnectionFailed(f"the connection failed: {call.details()}")
            failed.__cause__ = error
            return Failure(Kind.CONNECTION, failed, call.code() in _AMBIGUOUS)
        if call.code() is grpc.StatusCode.PERMISSION_DENIED:
            return Failure(Kind.CREDENTIALS, remote)
    return Failure(Kind.REFUSED, remote)
