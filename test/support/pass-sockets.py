"""Makes sockets, prints where they are, and becomes a program that it passes them to.

The first argument is JSON: `sockets`, what is passed from descriptor 3 on; `names`, what
LISTEN_FDNAMES says, and `count`, what LISTEN_FDS says, unless null; `forks`, whether the program is
a child. The others are the program and its arguments. It becomes that when a line comes.
"""

import fcntl
import json
import os
import socket
import sys

asked = json.loads(sys.argv[1])
FIRST = 3


def bound(family, kind, address, listens=True):
    made = socket.socket(family, kind)
    made.bind(address)
    if listens:
        made.listen(16)
    return made


def unix(path, mode):
    umask = os.umask(0o777 & ~mode)
    try:
        return bound(socket.AF_UNIX, socket.SOCK_STREAM, path)
    finally:
        os.umask(umask)


def make(kind, path=None, mode=0o600, host="127.0.0.1"):
    if kind == "tcp":
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return bound(family, socket.SOCK_STREAM, (host, 0))
    if kind == "unix":
        return unix(path, mode)
    if kind == "abstract":
        return bound(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + path)
    if kind == "packets":
        return bound(socket.AF_UNIX, socket.SOCK_SEQPACKET, path)
    if kind == "datagrams":
        return bound(socket.AF_INET, socket.SOCK_DGRAM, (host, 0), listens=False)
    if kind == "silent":
        return bound(socket.AF_INET, socket.SOCK_STREAM, (host, 0), listens=False)
    if kind == "file":
        return open("/dev/null", "rb")
    raise ValueError(kind)


def where(made):
    name = made.getsockname() if isinstance(made, socket.socket) else b""
    if isinstance(name, tuple):
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
    # One that is abstract is told as bytes.
    return f"unix:{name}" if isinstance(name, str) else ""


made = [make(**each) for each in asked["sockets"]]
print(json.dumps([where(each) for each in made]), flush=True)
os.read(0, 1)
# First out of the way of where they go.
copies = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for each in made]
for i, copy in enumerate(copies):
    os.dup2(copy, FIRST + i, inheritable=True)
count = asked.get("count")
os.environ["LISTEN_FDS"] = str(len(made) if count is None else count)
os.environ["LISTEN_PID"] = str(os.getpid())
if asked.get("names") is not None:
    os.environ["LISTEN_FDNAMES"] = asked["names"]
program, *args = sys.argv[2:]
if asked.get("forks"):
    # As a script does that runs it and waits.
    child = os.spawnv(os.P_NOWAIT, program, [program, *args])
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.execv(program, [program, *args])
