"""What to run, and how, as a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from google.protobuf import duration_pb2
from typing_extensions import TypedDict

from runlet.v1 import process_pb2


class SpecOptions(TypedDict, total=False):
    """How a command is run. Times are in seconds."""

    cwd: str
    """The working directory, an absolute path."""
    env: Mapping[str, str]
    """Variables to set, over what is inherited."""
    inherit: str
    """What it inherits of the server's environment: `none` (the default), `core` or `all`."""
    arg0: str
    """What the program sees as its own name."""
    terminal: tuple[int, int]
    """Gives it a terminal of so many columns and rows, and a standard input."""
    merge_stderr: bool
    """Sends its standard error where its standard output goes."""
    timeout: float
    """How long it may run."""
    drain_timeout: float
    """How long after its exit output of its descendants is read."""
    retention: float
    """How long it can be read after its end. Default: as long as a break may last."""
    retained_bytes: int
    """How much of its output is kept. Default: the server's."""
    overflow: str
    """What becomes of more: `drop-oldest`, or `pause`: it waits for its readers."""
    limits: Mapping[str, int]
    """What it may use: `open_files`, `address_space_bytes`, ... of `ResourceLimits`."""
    labels: Mapping[str, str]


def spec_of(
    argv: Sequence[str], stdin: bool, retention: float, options: SpecOptions
) -> process_pb2.ProcessSpec:
    """The message for a command. `retention` is in force where the options have none."""
    if isinstance(argv, str):
        raise TypeError('argv is a list of words; for a line of shell say ["sh", "-c", line]')
    unknown = options.keys() - SpecOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"there is no such option: {', '.join(sorted(unknown))}")
    spec = process_pb2.ProcessSpec(
        argv=argv,
        arg0=options.get("arg0", ""),
        cwd=options.get("cwd", ""),
        env=options.get("env", {}),
        stdin="STDIN_MODE_PIPE" if stdin else "STDIN_MODE_CLOSED",
        merge_stderr=options.get("merge_stderr", False),
        output=process_pb2.OutputPolicy(
            retained_bytes=options.get("retained_bytes", 0),
            overflow=_word("OVERFLOW", options.get("overflow", "drop-oldest")),
        ),
        retention=duration(options.get("retention", retention)),
        labels=options.get("labels", {}),
    )
    if "inherit" in options:
        inherit = _word("INHERIT", options["inherit"])
        spec.env_policy.CopyFrom(process_pb2.EnvPolicy(inherit=inherit))
    if "terminal" in options:
        columns, rows = options["terminal"]
        size = process_pb2.TerminalSize(columns=columns, rows=rows)
        spec.terminal.CopyFrom(process_pb2.Terminal(size=size))
    if "timeout" in options:
        spec.timeout.CopyFrom(duration(options["timeout"]))
    if "drain_timeout" in options:
        spec.drain_timeout.CopyFrom(duration(options["drain_timeout"]))
    if "limits" in options:
        spec.limits.CopyFrom(process_pb2.ResourceLimits(**options["limits"]))
    return spec


def duration(seconds: float) -> duration_pb2.Duration:
    """Seconds as a message."""
    made = duration_pb2.Duration()
    made.FromTimedelta(timedelta(seconds=seconds))
    return made


def _word(prefix: str, word: str) -> str:
    return f"{prefix}_{word.upper().replace('-', '_')}"
