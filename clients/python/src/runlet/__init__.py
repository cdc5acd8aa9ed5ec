"""Runs processes on a runlet server as if they were here, and never loses their output.

    with runlet.connect("127.0.0.1:50051") as client:
        print(client.run(["uname", "-a"], inherit="core").stdout.decode())
"""

from runlet._access import Tls, token_file
from runlet._channel import open_channel
from runlet._spec import SpecOptions
from runlet._tokens import InvalidToken, narrow_token
from runlet.client import Client, Result, connect
from runlet.errors import (
    CommandFailed,
    ConnectionFailed,
    InvalidRequest,
    LimitExceeded,
    OutputLost,
    OutputTooLarge,
    PermissionDenied,
    ProcessEnded,
    ProcessEvicted,
    ProcessExists,
    ProcessNotFound,
    RemoteError,
    RunletError,
    SessionInUse,
    SessionLost,
    SessionNotFound,
    StartFailed,
    StdinClosed,
    StdinConflict,
    Unauthenticated,
)
from runlet.events import (
    Closed,
    Event,
    Exit,
    Exited,
    Gap,
    InputClosed,
    Output,
    OutputRange,
    ProcessInfo,
    Started,
)
from runlet.process import OutputStream, Process
from runlet.session import Session
from runlet.stdin import Stdin

__all__ = [
    "Client",
    "Closed",
    "CommandFailed",
    "ConnectionFailed",
    "Event",
    "Exit",
    "Exited",
    "Gap",
    "InputClosed",
    "InvalidRequest",
    "InvalidToken",
    "LimitExceeded",
    "Output",
    "OutputLost",
    "OutputRange",
    "OutputStream",
    "OutputTooLarge",
    "PermissionDenied",
    "Process",
    "ProcessEnded",
    "ProcessEvicted",
    "ProcessExists",
    "ProcessInfo",
    "ProcessNotFound",
    "RemoteError",
    "Result",
    "RunletError",
    "Session",
    "SessionInUse",
    "SessionLost",
    "SessionNotFound",
    "SpecOptions",
    "StartFailed",
    "Started",
    "Stdin",
    "StdinClosed",
    "StdinConflict",
    "Tls",
    "Unauthenticated",
    "connect",
    "narrow_token",
    "open_channel",
    "token_file",
]
