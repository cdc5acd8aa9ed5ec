"""How a connection is protected, and how it says who calls."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Union

import grpc

Path = Union[str, "os.PathLike[str]"]
Token = Union[str, Callable[[], str]]


@dataclass(frozen=True)
class Tls:
    """TLS, by files of PEM. They are read for every connection: renewed ones are used then."""

    ca: Path | None = None
    """The authorities that the server's certificate is trusted for. Default: the usual ones."""
    cert: Path | None = None
    """The client's own certificate, for mutual TLS, and those between it and its authority."""
    key: Path | None = None
    """The private key of `cert`."""
    server_name: str | None = None
    """Whom the server's certificate has to name. Default: the host of the address."""

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("a certificate needs its key, and a key its certificate")

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files. Raises OSError."""
        return grpc.ssl_channel_credentials(
            root_certificates=_read(self.ca),
            private_key=_read(self.key),
            certificate_chain=_read(self.cert),
        )


def token_file(path: Path) -> Callable[[], str]:
    """A `token` that is read from a file for each call: a renewed one is used from then on."""

    def read() -> str:
        with open(path, encoding="utf-8") as file:
            return file.read()

    return read


def check_access(
    address: str,
    credentials: grpc.ChannelCredentials | None,
    tls: Union[Tls, bool, None],
    token: Token | None,
    allow_insecure: bool,
) -> None:
    """Raises ValueError for what cannot be, or what would give a token away."""
    if credentials is not None and tls:
        raise ValueError("there is TLS twice: in `tls`, and in `credentials`")
    if isinstance(token, str):
        _header(token)
    plain = credentials is None and not tls
    if token is not None and plain and not allow_insecure and not is_local(address):
        raise ValueError(
            "a token would leave this machine without TLS: use `tls`, or `allow_insecure`"
        )


def open_secured(
    address: str,
    options: Sequence[tuple[str, Any]],
    credentials: grpc.ChannelCredentials | None,
    tls: Union[Tls, bool, None],
    token: Token | None,
) -> grpc.Channel:
    """Opens a channel that presents the token with every call. Raises OSError."""
    if tls:
        files = tls if isinstance(tls, Tls) else Tls()
        credentials = files.credentials()
        if files.server_name is not None:
            options = [*options, ("grpc.ssl_target_name_override", files.server_name)]
    if credentials is None:
        channel = grpc.insecure_channel(address, options)
        # The library itself adds tokens over TLS alone.
        return channel if token is None else grpc.intercept_channel(channel, _Plaintext(token))
    if token is not None:
        presented = grpc.metadata_call_credentials(_Bearer(token))
        credentials = grpc.composite_channel_credentials(credentials, presented)
    return grpc.secure_channel(address, credentials, options)


def is_local(address: str) -> bool:
    """Whether what is sent there stays on this machine."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host, colon, _ = address.rpartition(":")
    if not colon:
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()


def _header(token: Token) -> tuple[str, str]:
    text = (token if isinstance(token, str) else token()).strip()
    # The text is nothing for an error.
    if not text or not all("!" <= char <= "~" for char in text):
        raise ValueError("the token is empty, or no text of ASCII without blanks")
    return ("authorization", f"Bearer {text}")


class _Bearer(grpc.AuthMetadataPlugin):
    """Presents a token over TLS."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(
        self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback
    ) -> None:
        try:
            header = _header(self._token)
        except Exception as error:  # noqa: BLE001
            callback((), error)
        else:
            callback((header,), None)


class _NoToken(grpc.RpcError):
    """What the library gives where a plugin fails."""

    def __init__(self, why: Exception) -> None:
        super().__init__(f"there is no token: {why}")

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return str(self)

    def trailing_metadata(self) -> Any:
        return ()


@dataclass(frozen=True)
class _Details(grpc.ClientCallDetails):
    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class _Plaintext(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Presents a token where there is no TLS."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def _present(self, proceed: Any, details: Any, request: Any) -> Any:
        try:
            header = _header(self._token)
        except Exception as error:
            raise _NoToken(error) from error
        carrying = _Details(
            details.method,
            details.timeout,
            [*(details.metadata or ()), header],
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
        return proceed(carrying, request)

    def intercept_unary_unary(self, *call: Any) -> Any:
        return self._present(*call)

    def intercept_unary_stream(self, *call: Any) -> Any:
        return self._present(*call)

    def intercept_stream_unary(self, *call: Any) -> Any:
        return self._present(*call)

    def intercept_stream_stream(self, *call: Any) -> Any:
        return self._present(*call)
