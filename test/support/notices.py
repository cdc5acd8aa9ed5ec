"""Receives what a service tells its manager, sd_notify(3), at a socket: a path, or a name after @.

Prints a line of JSON for each datagram: who sent it, as the kernel says, and its assignments. It
lives until its standard input ends. A line there is printed as one of its own: all that was sent
before it was received.
"""

import json
import select
import socket
import struct
import sys

where = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind("\0" + where[1:] if where.startswith("@") else where)


def tell(**what):
    print(json.dumps(what), flush=True)


def receive():
    while True:
        try:
            data, control, _, _ = receiver.recvmsg(65536, 1024, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        pid, _, _ = struct.unpack("iii", control[0][2][:12])
        lines = data.decode().split("\n")
        tell(pid=pid, notice=dict(line.split("=", 1) for line in lines))


tell(ready=True)
while True:
    readable, _, _ = select.select([receiver, sys.stdin.fileno()], [], [])
    receive()
    if sys.stdin.fileno() in readable:
        line = sys.stdin.readline()
        if not line:
            break
        receive()
        tell(mark=line.strip())
