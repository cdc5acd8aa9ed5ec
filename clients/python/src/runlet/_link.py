"""Keeps a session within reach."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

from runlet._channel import Backoff, Connection, Settings
from runlet._failure import Failure, Kind, failure_of
from runlet._silence import unless_silent
from runlet.errors import ConnectionFailed, RunletError, SessionLost
from runlet.v1 import session_pb2

# A connection that was in use for this long, in seconds, is a success: pauses begin anew after it.
_STABLE = 1.0
# How long the attached stream has to say why the session is gone, in seconds.
_VERDICT = 1.0


class Link:
    """Connects, attaches, and does both again when the connection breaks.

    It does so until the recovery window has passed or the server says that the session is
    gone. There is one attempt at a time, on a thread of its own, and one connection.
    """

    def __init__(self, settings: Settings, session_id: str, mode: str, silence: float) -> None:
        self.session_id = session_id
        self.settings = settings
        self.silence = silence
        self.window = settings.connect_timeout
        self._mode = mode
        self._holder_id = str(uuid.uuid4())
        self._attempts = 0
        self._reached = False
        # Since it was attached, its credentials were not accepted.
        self._unknown = False
        self._changed = threading.Condition()
        # What is guarded by it: the connection that is in use, the one that is being made, why
        # there will be no other, and since when there is none.
        self._connection: Connection | None = None
        self._trying: Connection | None = None
        self._error: RunletError | None = None
        self._down_since = time.monotonic()
        threading.Thread(target=self._keep, name="runlet-session", daemon=True).start()

    @property
    def lost(self) -> RunletError | None:
        """Why the session is over for this client; None: it is not."""
        return self._error

    def ready(self, deadline: float | None = None) -> Connection:
        """The connection to use, as soon as there is one."""
        with self._changed:
            while True:
                if self._error is not None:
                    raise self._error.with_traceback(None)
                if self._connection is not None:
                    return self._connection
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._changed.wait(left)

    def suspect(self, connection: Connection) -> None:
        """A call did not come through: the connection is given up."""
        self._down(connection)
        connection.end()

    def refused(self, connection: Connection, loss: SessionLost) -> None:
        """A call was refused because the session is gone.

        Unless the connection is over, when the next attempt to attach tells, the link is.
        """
        with self._changed:
            if loss.reason == "expired":
                # The attached stream is about to say what became of it.
                self._changed.wait_for(lambda: connection.over or self._error, _VERDICT)
            if connection.over:
                return
        self.end(loss)

    def end(self, error: RunletError) -> None:
        """The session is over for this client. Everything that waits fails. Idempotent."""
        with self._changed:
            if self._error is not None:
                return
            self._error = error
            connections = (self._connection, self._trying)
            self._connection = None
            self._changed.notify_all()
        for connection in connections:
            if connection is not None:
                connection.end()

    def _keep(self) -> None:
        backoff = Backoff(self.settings)
        while True:
            try:
                connection = Connection(self.settings)
            except OSError as error:
                # Files that are being replaced, for example.
                if not self._pause(backoff.next, _failure_of(error)):
                    return
                continue
            with self._changed:
                if self._error is not None:
                    connection.end()
                    return
                self._trying = connection
            began = time.monotonic()
            failure = self._live(connection)
            connection.end()
            self._down(connection)
            if connection.attachment_id:
                self._unknown = False
            final = self._final(failure)
            if final is not None:
                self.end(final)
                return
            if connection.attachment_id and time.monotonic() - began >= _STABLE:
                backoff.reset()
            if not self._pause(backoff.next, failure):
                return

    def _live(self, connection: Connection) -> Failure:
        """One life of a connection, from its making to its failure."""
        try:
            self._attach(connection)
        except Exception as error:  # noqa: BLE001
            if not connection.over:
                return _failure_of(error)
        return Failure(Kind.CONNECTION, ConnectionFailed("the attached stream ended"))

    def _attach(self, connection: Connection) -> None:
        self._attempts += 1
        request = session_pb2.AttachSessionRequest(
            session_id=self.session_id,
            mode="ATTACH_MODE_RESUME" if self._reached else self._mode,
            holder_id=self._holder_id,
            attempt=self._attempts,
        )
        call = connection.sessions.AttachSession(
            request, metadata=self.settings.headers(self.session_id), wait_for_ready=False
        )
        for answer in unless_silent(call, self.settings.attempt_timeout, self.silence):
            if answer.event.HasField("attached"):
                self._up(connection, answer.event.attached)

    def _up(self, connection: Connection, attached: session_pb2.SessionAttached) -> None:
        with self._changed:
            connection.attachment_id = attached.attachment_id
            if self._error is not None or connection.over:
                return
            self._reached = True
            ttl = attached.session.detached_ttl.ToTimedelta().total_seconds()
            self.window = ttl if self.settings.window is None else self.settings.window
            self._connection = connection
            self._changed.notify_all()

    def _down(self, connection: Connection) -> None:
        with self._changed:
            # Those who wait for the verdict on it.
            connection.over = True
            self._changed.notify_all()
            if self._connection is connection:
                self._connection = None
                self._down_since = time.monotonic()

    def _final(self, failure: Failure) -> RunletError | None:
        """Why another attempt would be in vain; None: it would not."""
        if failure.kind is Kind.CONNECTION:
            return None
        if not self._reached:
            return failure.error
        # The next attempt has those that there are then: a token or a certificate that was renewed.
        if failure.kind is Kind.CREDENTIALS_OVER and not self._unknown:
            self._unknown = True
            return None
        if failure.kind in (Kind.CREDENTIALS, Kind.CREDENTIALS_OVER):
            return self.loss("credentials-refused", failure.error)
        # It did not read fast enough, which may be its machine's fault.
        if failure.error.reason == "LIMIT_EXCEEDED":
            return None
        return self.loss(failure.lost_reason or "refused", failure.error)

    def loss(self, reason: str, cause: Exception | None = None) -> SessionLost:
        """The loss of this session."""
        lost = SessionLost(reason, self.session_id)
        lost.__cause__ = cause
        return lost

    def _pause(self, next_pause: Callable[[], float], failure: Failure) -> bool:
        """Waits before the next attempt; False: there is no time for one, or no need."""
        with self._changed:
            left = self._down_since + self.window - time.monotonic()
            if left > 0:
                self._changed.wait_for(lambda: self._error, min(next_pause(), left))
                return self._error is None
        if self._reached:
            self.end(self.loss("window-passed", failure.error))
        else:
            error = ConnectionFailed(f"the server cannot be reached: {failure.error}")
            error.__cause__ = failure.error
            self.end(error)
        return False


def _failure_of(error: Exception) -> Failure:
    """What it is, also where the program's own function for the headers failed."""
    try:
        return failure_of(error)
    except Exception as other:  # noqa: BLE001
        failed = ConnectionFailed(f"the session cannot be attached: {other}")
        failed.__cause__ = other
        return Failure(Kind.CONNECTION, failed)
