"""What can go wrong, each with a `reason` for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from runlet.v1 import error_pb2

if TYPE_CHECKING:
    from runlet.client import Result
    from runlet.events import OutputRange

DOMAIN = "runlet.v1"


class RunletError(Exception):
    """What every error of this package is."""

    reason: str = ""
    """Why, as a word for programs."""


class RemoteError(RunletError):
    """The server answered, and refused. Asking again in the same way changes nothing."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        reason: str = "",
        domain: str = "",
        metadata: Mapping[str, str] | None = None,
        fields: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        """The status of gRPC: `NOT_FOUND`."""
        self.reason = reason
        """`ErrorReason` of the protos without its prefix; empty: the server gave none."""
        self.domain = domain
        self.metadata = dict(metadata or {})
        """Facts that go with the reason."""
        self.fields = list(fields)
        """With `INVALID_REQUEST`: the fields that are wrong."""
        self.file: error_pb2.FileFailure | None = None
        """What failed of a file, where a call of `FileService` did."""
        self.http: error_pb2.HttpFailure | None = None
        """What failed of an HTTP request, where one did."""
        self.tunnel: error_pb2.TunnelFailure | None = None
        """What failed of a connection, where one did."""


class InvalidRequest(RemoteError):
    """The request is wrong in itself: `fields` names what."""


class SessionNotFound(RemoteError):
    """There is no such session: it was closed, it expired, or it never was."""


class SessionInUse(RemoteError):
    """Somebody else is attached to the session."""


class ProcessNotFound(RemoteError):
    """The session never had such a process."""


class ProcessEvicted(RemoteError):
    """The process was closed, and its retention is over."""


class ProcessExists(RemoteError):
    """The session has a process with this id."""


class ProcessEnded(RemoteError):
    """There is nothing left to signal."""


class StdinClosed(RemoteError):
    """The process takes no standard input (any more)."""


class LimitExceeded(RemoteError):
    """A limit of the server is reached: `metadata` says which."""


class Unauthenticated(RemoteError):
    """The token or the certificate is not accepted, or not any more. It is not told why."""


class PermissionDenied(RemoteError):
    """The caller may not do this: `metadata` names the `grant` that is missing, or the `rule`."""


class StartFailed(RemoteError):
    """The command could not be started: `stage` and `errno_name` say why."""

    stage: str = ""
    """What failed: `CWD`, `PROGRAM`, `TERMINAL` or `SPAWN`."""
    errno_name: str = ""
    """The name of the system's error: `ENOENT`."""


class SessionLost(RunletError):
    """The session is over for this client; all that is pending fails with it.

    The `reason` is `expired`, `closed`, `superseded`, `credentials-refused`, `window-passed`,
    `server-shutdown`, `refused` (see `__cause__`) or `left`, which is this client's doing.
    """

    def __init__(self, reason: str, session_id: str) -> None:
        super().__init__(f"the session {session_id} is lost: {reason}")
        self.reason = reason
        self.session_id = session_id


class ConnectionFailed(RunletError):
    """The server cannot be reached, or the connection broke amid a call.

    `outcome_unknown`: the call cannot be repeated without the risk that it is done twice, so
    it may or may not have been done.
    """

    reason = "connection-failed"

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class OutputLost(RunletError):
    """Output was dropped before it was read: `ranges` says which bytes."""

    reason = "output-lost"

    def __init__(self, ranges: Iterable[OutputRange]) -> None:
        self.ranges = tuple(ranges)
        missing = ", ".join(f"{r.length} bytes of {r.stream} from {r.offset}" for r in self.ranges)
        super().__init__(f"output was dropped before it was read: {missing}")


class OutputTooLarge(RunletError):
    """A command wrote more than `run` was to keep. It was terminated."""

    reason = "output-too-large"


class StdinConflict(RunletError):
    """Somebody else wrote to the same stdin, and what this client wrote passed for a repetition."""

    reason = "stdin-conflict"


class CommandFailed(RunletError):
    """A command that was run with `check` did not exit with 0: `result` has all of it."""

    reason = "command-failed"

    def __init__(self, argv: Iterable[str], result: Result) -> None:
        tail = result.stderr[-1000:].decode(errors="replace").strip()
        super().__init__(f"{list(argv)}: {result.exit}" + (f": {tail}" if tail else ""))
        self.result = result


_CLASSES: dict[str, type[RemoteError]] = {
    "INVALID_REQUEST": InvalidRequest,
    "SESSION_NOT_FOUND": SessionNotFound,
    "SESSION_CLOSED": SessionNotFound,
    "SESSION_ALREADY_ATTACHED": SessionInUse,
    "PROCESS_NOT_FOUND": ProcessNotFound,
    "PROCESS_EVICTED": ProcessEvicted,
    "PROCESS_EXISTS": ProcessExists,
    "PROCESS_EXITED": ProcessEnded,
    "STDIN_CLOSED": StdinClosed,
    "LIMIT_EXCEEDED": LimitExceeded,
    "START_FAILED": StartFailed,
    "UNAUTHENTICATED": Unauthenticated,
    "GRANT_MISSING": PermissionDenied,
    "POLICY_DENIED": PermissionDenied,
}

# Those of a proxy have no reason.
_CLASSES_BY_CODE: dict[str, type[RemoteError]] = {
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": PermissionDenied,
}


def from_rpc(error: grpc.RpcError) -> RemoteError:
    """What the failure of a call of gRPC says, for those who call the stubs themselves."""
    call: Any = error
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    failure = error_pb2.StartFailure()
    file_failure = error_pb2.FileFailure()
    http_failure = error_pb2.HttpFailure()
    tunnel_failure = error_pb2.TunnelFailure()
    of_file = of_http = of_tunnel = False
    for detail in _details(call):
        for known in (info, bad_request, failure):
            detail.Unpack(known)
        of_file = detail.Unpack(file_failure) or of_file
        of_http = detail.Unpack(http_failure) or of_http
        of_tunnel = detail.Unpack(tunnel_failure) or of_tunnel
    code = call.code().name
    by_code = _CLASSES_BY_CODE.get(code, RemoteError)
    made = _CLASSES.get(info.reason, by_code)(
        call.details() or code,
        code=code,
        reason=info.reason,
        domain=info.domain,
        metadata=info.metadata,
        fields=[violation.field for violation in bad_request.field_violations],
    )
    if of_file:
        made.file = file_failure
    if of_http:
        made.http = http_failure
    if of_tunnel:
        made.tunnel = tunnel_failure
    if isinstance(made, StartFailed):
        made.stage = error_pb2.StartStage.Name(failure.stage).removeprefix("START_STAGE_")
        made.errno_name = failure.errno_name
    return made


def _details(call: Any) -> Iterable[Any]:
    """The details of a status, from `grpc-status-details-bin`."""
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            details: Iterable[Any] = status_pb2.Status.FromString(value).details
            return details
    return ()
