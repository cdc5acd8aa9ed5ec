"""Where everything begins: a client of a server."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, TypeVar, Union

import grpc
from typing_extensions import Self, Unpack

from runlet._access import Tls, Token, check_access
from runlet._channel import Backoff, Connection, Metadata, Settings
from runlet._failure import Kind, failure_of
from runlet._link import Link
from runlet._spec import SpecOptions, duration
from runlet.errors import (
    CommandFailed,
    ConnectionFailed,
    OutputLost,
    OutputTooLarge,
    RunletError,
    SessionNotFound,
    StdinClosed,
)
from runlet.events import Exit, Exited, Gap, Output
from runlet.process import Process
from runlet.session import Session
from runlet.v1 import server_pb2, session_pb2

T = TypeVar("T")

# How long the session of `run` is kept after this program ended, in seconds.
_RUN_TTL = 30.0
# What a stream may be silent for beyond two heartbeats, in seconds.
_SILENCE_MARGIN = 5.0
_DEFAULT_HEARTBEAT = 15.0
_MODES = {"take-over": "ATTACH_MODE_TAKE_OVER", "reject": "ATTACH_MODE_REJECT_IF_ATTACHED"}


class Result(NamedTuple):
    """What came of a command."""

    exit: Exit
    stdout: bytes
    stderr: bytes
    terminal: bytes
    """What it showed on its terminal; empty: it had none."""

    @property
    def code(self) -> int | None:
        """Its exit code; None: a signal ended it."""
        return self.exit.code


def connect(
    address: str,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: Union[Metadata, Callable[[], Metadata]] = (),
    connect_timeout: float = 10.0,
    window: float | None = None,
    tls: Union[Tls, bool, None] = None,
    token: Token | None = None,
    allow_insecure: bool = False,
) -> Client:
    """A client of the server at `HOST:PORT` or `unix:/path`. Nothing is opened yet.

    `tls` is a `Tls`, or True for the usual authorities; `credentials` are another way to say so.
    `token` is presented with every call: a text, `token_file(path)`, or a function of your own
    that is asked anew for each call, on any thread. It leaves this machine over TLS alone,
    unless `allow_insecure` says that whoever is on the way may read it: ValueError.

    `metadata` are headers for every call, or a function that is asked anew for each.
    `connect_timeout` is how long the first connection may take, and `window` how long it is
    tried to come back after a break (default: the `detached_ttl` of the session), in seconds.
    """
    check_access(address, credentials, tls, token, allow_insecure)
    how = (connect_timeout, window, tls, token, allow_insecure)
    return Client(Settings(address, credentials, metadata, *how))


class Client:
    """A client of one server. As a context manager it is closed at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        self._runs: Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def session(
        self,
        id: str | None = None,
        *,
        detached_ttl: float | None = None,
        labels: Mapping[str, str] | None = None,
        if_attached: str = "take-over",
    ) -> Session:
        """Creates a session, or comes back to the one with this id, and keeps it within reach.

        It lives on for `detached_ttl` seconds when nobody is attached (default: the server's),
        and so do its processes. `if_attached` says what to do if somebody else is attached:
        `take-over`, or `reject`, which raises SessionInUse. Raises SessionNotFound.
        """
        session_id = id or str(uuid.uuid4())
        mode = _MODES[if_attached]

        def prepare(connection: Connection, headers: Metadata) -> server_pb2.Limits:
            info = connection.server.GetServerInfo(
                server_pb2.GetServerInfoRequest(), metadata=headers
            )
            if id is None:
                ttl = None if detached_ttl is None else duration(detached_ttl)
                connection.sessions.CreateSession(
                    session_pb2.CreateSessionRequest(
                        session_id=session_id, detached_ttl=ttl, labels=labels
                    ),
                    metadata=headers,
                )
            limits: server_pb2.Limits = info.limits
            return limits

        limits = self._once(prepare, session_id)
        heartbeat = limits.heartbeat_interval.ToTimedelta().total_seconds() or _DEFAULT_HEARTBEAT
        silence = 2 * heartbeat + _SILENCE_MARGIN
        link = Link(self._settings, session_id, mode, silence)
        try:
            link.ready()
        except BaseException:
            # An interrupt, for example.
            link.end(link.loss("left"))
            raise
        retention = min(
            max(limits.default_retention.ToTimedelta().total_seconds(), link.window),
            limits.max_retention.ToTimedelta().total_seconds(),
        )
        session = Session(link, retention, lambda: self._close_session(session_id))
        with self._lock:
            self._sessions = [known for known in self._sessions if known.lost is None]
            self._sessions.append(session)
        return session

    def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes | str | None = None,
        check: bool = False,
        max_output_bytes: int = 64 * 1024 * 1024,
        **options: Unpack[SpecOptions],
    ) -> Result:
        """Runs a command to its end, over broken connections too, and returns what it wrote.

        It is terminated when it writes more than `max_output_bytes` (OutputTooLarge), when the
        program is interrupted, and some 30 seconds after the program has ended. An exit code
        that is not 0 is no error, unless `check` says so (CommandFailed). Raises StartFailed.
        """
        options.setdefault("overflow", "pause")
        options.setdefault("retention", _RUN_TTL)
        process = self._run_session().start(argv, stdin=input is not None, **options)
        failures: list[RunletError] = []
        try:
            if input is not None:
                args = (process, input, failures)
                threading.Thread(target=_feed, args=args, daemon=True).start()
            result = _collect(process, max_output_bytes)
        except BaseException:
            # Nobody reads it any more. The exception counts, not what becomes of this.
            stop = threading.Thread(target=_terminate, args=(process,), daemon=True)
            stop.start()
            stop.join(self._settings.connect_timeout)
            raise
        if failures:
            raise failures[0]
        if check and result.code != 0:
            raise CommandFailed(argv, result)
        return result

    def close(self) -> None:
        """Leaves all its sessions. They go on for their `detached_ttl`; commands of `run` end."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            runs, self._runs = self._runs, None
        if runs is not None:
            try:
                runs.close()
            except RunletError:
                # One that is out of reach expires.
                pass
        for session in sessions:
            session.detach()

    def _run_session(self) -> Session:
        with self._lock:
            known = self._runs
        if known is not None and known.lost is None:
            return known
        made = self.session(detached_ttl=_RUN_TTL)
        with self._lock:
            if self._runs is None or self._runs is known:
                self._runs = made
            return self._runs

    def _close_session(self, session_id: str) -> None:
        def close(connection: Connection, headers: Metadata) -> None:
            request = session_pb2.CloseSessionRequest(session_id=session_id)
            connection.sessions.CloseSession(request, metadata=headers)

        try:
            self._once(close, session_id)
        except SessionNotFound:
            # It ended by itself.
            pass

    def _once(self, make: Callable[[Connection, Metadata], T], session_id: str) -> T:
        """Calls that may be repeated, over a connection of their own."""
        settings = self._settings
        backoff = Backoff(settings)
        deadline = time.monotonic() + settings.connect_timeout
        while True:
            connection = Connection(settings)
            # However silent the server is, the program goes on.
            timer = threading.Timer(settings.attempt_timeout, connection.end)
            timer.daemon = True
            timer.start()
            try:
                return make(connection, settings.headers(session_id))
            except (grpc.RpcError, ValueError) as error:
                if isinstance(error, ValueError) and not connection.over:
                    raise
                why = "no answer came"
                if isinstance(error, grpc.RpcError):
                    failure = failure_of(error)
                    if failure.kind is not Kind.CONNECTION:
                        raise failure.error from None
                    why = str(failure.error)
                if time.monotonic() >= deadline:
                    raise ConnectionFailed(f"the server cannot be reached: {why}") from error
            finally:
                timer.cancel()
                connection.end()
            time.sleep(min(backoff.next(), max(0.0, deadline - time.monotonic())))


def _feed(process: Process, data: bytes | str, failures: list[RunletError]) -> None:
    try:
        process.stdin.write(data)
        process.stdin.close()
    except StdinClosed:
        # A command need not read its stdin.
        pass
    except RunletError as error:
        # It would wait for the rest of it.
        failures.append(error)
        _terminate(process)


def _collect(process: Process, most: int) -> Result:
    parts: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "terminal": []}
    end: Exit | None = None
    for event in process.events():
        if isinstance(event, Output):
            most -= len(event.data)
            if most < 0:
                raise OutputTooLarge("the command wrote more than it was allowed to")
            parts.setdefault(event.stream, []).append(event.data)
        elif isinstance(event, Gap):
            raise OutputLost(event.ranges)
        elif isinstance(event, Exited):
            end = event.exit
    if end is None:
        end = process.wait()
    return Result(end, *(b"".join(parts[name]) for name in ("stdout", "stderr", "terminal")))


def _terminate(process: Process) -> None:
    try:
        process.terminate()
    except RunletError:
        pass
