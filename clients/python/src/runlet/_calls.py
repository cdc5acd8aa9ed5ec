"""Makes calls in a session, as often as it takes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar

import grpc

from runlet._acknowledger import Acknowledger
from runlet._channel import Connection
from runlet._failure import MAX_AMBIGUOUS, Failure, Kind, failure_of
from runlet._link import Link
from runlet._silence import unless_silent
from runlet.errors import ConnectionFailed
from runlet.v1 import event_pb2, process_pb2

T = TypeVar("T")


class Call:
    """What a call is made with."""

    def __init__(self, link: Link, connection: Connection) -> None:
        self.connection = connection
        self.processes = connection.processes
        self.options: dict[str, Any] = {"metadata": link.settings.headers(link.session_id)}
        self.session: dict[str, Any] = {
            "session_id": link.session_id,
            "attachment_id": connection.attachment_id,
        }

    def process(self, process_id: str) -> dict[str, Any]:
        """The fields that name a process, the same in every request."""
        return {**self.session, "process_id": process_id}


class Calls:
    """Makes calls that name a session."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def call(
        self,
        make: Callable[[Call], T],
        *,
        idempotent: bool = True,
        deadline: float | None = None,
    ) -> T:
        """Makes a call over the connection that there is, or over the next one.

        It is repeated when it did not come through, if a repetition does no harm.
        """
        ambiguous = 0
        renewed = False
        while True:
            connection = self.link.ready(deadline)
            call = Call(self.link, connection)
            if deadline is not None:
                call.options["timeout"] = max(0.001, deadline - time.monotonic())
            try:
                return make(call)
            except (grpc.RpcError, ValueError) as error:
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError from error
                failure = self._failed(connection, error)
            if failure is None:
                continue
            if failure.kind is Kind.CREDENTIALS_OVER:
                if renewed:
                    raise failure.error
                renewed = True
                continue
            ambiguous += failure.ambiguous
            if not idempotent or ambiguous >= MAX_AMBIGUOUS:
                unknown = ConnectionFailed(
                    f"the connection broke during the call: {failure.error}", outcome_unknown=True
                )
                raise unknown from failure.error

    def follow(
        self, process_id: str, after_seq: int, acknowledge: bool
    ) -> Iterator[event_pb2.ProcessEvent]:
        """The events of a process after one, to `closed`, over as many connections as it takes.

        With `acknowledge` the server is told what has come: a batch has when the event after
        it is asked for.
        """
        reader_id = str(uuid.uuid4()) if acknowledge else ""
        last = after_seq
        ambiguous = 0
        renewed = False
        while True:
            connection = self.link.ready()
            call = Call(self.link, connection)
            request = process_pb2.WatchProcessRequest(
                **call.process(process_id), after_seq=last, reader_id=reader_id
            )
            acknowledger = Acknowledger(call, process_id, reader_id)
            try:
                stream = call.processes.WatchProcess(request, **call.options)
                silence = self.link.silence
                with closing(unless_silent(stream, silence, silence)) as answers:
                    for answer in answers:
                        ambiguous = 0
                        renewed = False
                        for event in answer.events:
                            yield event
                            last = event.seq
                            if event.HasField("closed"):
                                return
                        if acknowledge:
                            acknowledger.had(last, answer.ByteSize())
                # Nothing but `closed` ends it in order.
                raise ConnectionFailed("the stream of events ended early")
            except (grpc.RpcError, ValueError, ConnectionFailed) as error:
                failure = self._failed(connection, error)
            finally:
                acknowledger.stop()
            if failure is None:
                continue
            ambiguous += failure.ambiguous
            over = failure.kind is Kind.CREDENTIALS_OVER
            if ambiguous >= MAX_AMBIGUOUS or (over and renewed):
                raise failure.error
            renewed = renewed or over

    def _failed(self, connection: Connection, error: Exception) -> Failure | None:
        """What a failed call was, if it may be made again; raises what is final.

        None: the connection had been given up before anything was sent.
        """
        link = self.link
        if link.lost is not None:
            raise link.lost.with_traceback(None)
        # It failed since the connection was given up, of which the call is not to blame.
        if connection.over:
            if isinstance(error, ValueError):
                return None
            return failure_of(error)._replace(ambiguous=False)
        failure = failure_of(error)
        # Where credentials are over, attaching anew tells whether others are to be had.
        if failure.kind in (Kind.CONNECTION, Kind.CREDENTIALS_OVER):
            link.suspect(connection)
            return failure
        if failure.kind is Kind.CREDENTIALS:
            link.end(link.loss("credentials-refused", failure.error))
        elif failure.lost_reason in ("", "server-shutdown"):
            raise failure.error
        else:
            link.refused(connection, link.loss(failure.lost_reason, failure.error))
        if link.lost is not None:
            raise link.lost.with_traceback(None)
        return failure
