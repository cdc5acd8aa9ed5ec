"""The operations on the network, of the stubs."""

import base64
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from runlet.v1 import http_pb2, tunnel_pb2

from driver.facts import Facts

if TYPE_CHECKING:
    from driver.operations import Call


class Received:
    """What came of a stream: the kinds of its messages, and all of the bytes."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self._data = b""

    def take(self, kind: str | None, data: bytes = b"") -> None:
        if kind is not None and self.kinds[-1:] != [kind]:
            self.kinds.append(kind)
        self._data += data

    def data(self) -> str:
        return base64.b64encode(self._data).decode()


def connect(call: "Call") -> Facts:
    received = Received()
    peer = ""
    end = tunnel_pb2.TunnelEnded()
    for answer in call.tunnels.Connect(sent_over(call), **call.options):
        kind = answer.WhichOneof("response")
        received.take(kind, answer.data)
        if kind == "opened":
            peer = answer.opened.peer
        elif kind == "end":
            end = answer.end
    return {
        "kinds": received.kinds,
        "peer": peer,
        "data": received.data(),
        "end": {
            "kind": tunnel_pb2.TunnelEnd.Name(end.kind),
            "sent_bytes": end.sent_bytes,
            "received_bytes": end.received_bytes,
        },
    }


def sent_over(call: "Call") -> Iterator[tunnel_pb2.ConnectRequest]:
    """All that there is to send, and that nothing follows."""
    opened = tunnel_pb2.TunnelOpen(
        session_id=call.session_id,
        attachment_id=call.get("attachment_id", ""),
        host=call.get("host"),
        port=call.get("port"),
    )
    yield tunnel_pb2.ConnectRequest(open=opened)
    if data := base64.b64decode(call.get("data", "")):
        yield tunnel_pb2.ConnectRequest(data=data)
    yield tunnel_pb2.ConnectRequest(eof=tunnel_pb2.TunnelEof())


def request(call: "Call") -> Facts:
    received = Received()
    head = http_pb2.HttpResponseHead()
    end = http_pb2.HttpResponseEnd()
    for answer in call.http.Request(asked(call), **call.options):
        kind = answer.WhichOneof("response")
        received.take(kind, answer.body)
        if kind == "head":
            head = answer.head
        elif kind == "end":
            end = answer.end
    return {
        "kinds": received.kinds,
        "status": head.status,
        "headers": pairs_of(head.headers),
        "final_url": head.final_url,
        "http_version": head.http_version,
        "data": received.data(),
        "trailers": pairs_of(end.trailers),
        "truncated": end.truncated,
    }


def asked(call: "Call") -> Iterator[http_pb2.RequestRequest]:
    """A head, the body, and that it is all."""
    head = http_pb2.HttpRequestHead(
        session_id=call.session_id,
        attachment_id=call.get("attachment_id", ""),
        method=call.get("method"),
        url=call.get("url"),
        headers=[
            http_pb2.HttpHeader(name=name, value=value.encode())
            for name, value in call.get("headers", [])
        ],
    )
    yield http_pb2.RequestRequest(head=head)
    for piece in call.get("pieces", []):
        yield http_pb2.RequestRequest(body=base64.b64decode(piece))
    yield http_pb2.RequestRequest(end=http_pb2.HttpRequestEnd())


def pairs_of(headers: Iterable[http_pb2.HttpHeader]) -> list[tuple[str, str]]:
    return [(header.name, header.value.decode()) for header in headers]
