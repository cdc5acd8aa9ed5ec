"""Mounts a file system that answers nothing but the mount, until its standard input ends."""

import ctypes
import os
import struct
import sys
import threading

fuse = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fuse},rootmode=40755,user_id=0,group_id=0,allow_other"
if libc.mount(b"hung", sys.argv[1].encode(), b"fuse", 0, options.encode()) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))


def serve():
    # FUSE_INIT of fuse(4): a header with the request's number, and a struct fuse_init_out.
    unique = struct.unpack_from("<IIQ", os.read(fuse, 1 << 20))[2]
    init = struct.pack("<IIIIHHI", 7, 31, 0, 0, 12, 10, 4096).ljust(64, b"\0")
    os.write(fuse, struct.pack("<IiQ", 16 + len(init), 0, unique) + init)
    print("mounted", flush=True)
    # What was taken and is not answered cannot be given up, even by SIGKILL.
    while True:
        os.read(fuse, 1 << 20)


threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
# Whoever waits is told that it is gone.
os._exit(0)
