"""The operations on files, of the stubs."""

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runlet.v1 import file_pb2

from driver.facts import Facts

if TYPE_CHECKING:
    from driver.operations import Call

# Bytes of a piece of an upload.
PIECE_BYTES = 256 * 1024


class Download:
    """Has had a part of a file, from one call or several."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file = file_pb2.File()
        self._bytes = 0
        self._exact = True
        self._hash = hashlib.sha256()
        self._end = file_pb2.ReadFileEnd()

    def rest(self) -> dict[str, Any]:
        """What the next call has to ask for: from where on, and of which version."""
        with self._lock:
            return {"offset": self._bytes, "if_version": self._file.version}

    def take(self, answer: file_pb2.ReadFileResponse) -> None:
        with self._lock:
            kind = answer.WhichOneof("response")
            if kind == "file":
                self._file = answer.file
            elif kind == "end":
                self._end = answer.end
            elif kind == "data":
                self._exact = self._exact and answer.data.offset == self._bytes
                self._bytes += len(answer.data.data)
                self._hash.update(answer.data.data)

    def facts(self) -> Facts:
        with self._lock:
            return {
                "file": facts_of_file(self._file),
                "bytes": self._bytes,
                "exact": self._exact,
                "sha256": self._hash.hexdigest(),
                "end": {"bytes": self._end.bytes, "sha256": self._end.sha256.hex()},
            }


def list_files(call: "Call") -> Facts:
    request = file_pb2.ListDirectoryRequest(**file_of(call))
    answers = call.files.ListDirectory(request, **call.options)
    return {"files": [facts_of_file(file) for answer in answers for file in answer.files]}


def upload(call: "Call") -> Facts:
    answer = call.files.WriteFile(pieces_of(call), **call.options)
    return {"file": facts_of_file(answer.file), "sha256": answer.sha256.hex()}


def get_upload(call: "Call") -> Facts:
    request = file_pb2.GetUploadRequest(
        session_id=call.session_id, upload_id=call.get("upload_id")
    )
    answer = call.files.GetUpload(request, **call.options)
    return {"accepted_offset": answer.accepted_offset, "finished": answer.finished}


def download(call: "Call") -> Facts:
    request = file_pb2.ReadFileRequest(**file_of(call), **call.download.rest())
    for answer in call.files.ReadFile(request, **call.options):
        call.download.take(answer)
    return call.download.facts()


def pieces_of(call: "Call") -> Iterator[file_pb2.WriteFileRequest]:
    """A file from an offset on, and that it is all."""
    with open(call.get("from"), "rb") as source:
        opened = file_pb2.WriteFileOpen(
            **file_of(call),
            upload_id=call.get("upload_id", ""),
            if_version=call.get("if_version", ""),
            size=os.fstat(source.fileno()).st_size,
        )
        yield file_pb2.WriteFileRequest(open=opened)
        offset = source.seek(call.get("offset", 0))
        while data := source.read(PIECE_BYTES):
            piece = file_pb2.FileData(offset=offset, data=data)
            yield file_pb2.WriteFileRequest(data=piece)
            offset += len(data)
        yield file_pb2.WriteFileRequest(finish=file_pb2.WriteFileFinish())


def file_of(call: "Call") -> dict[str, Any]:
    """The fields that name the file, the same in every request."""
    return {
        "session_id": call.session_id,
        "attachment_id": call.get("attachment_id", ""),
        "path": call.get("path", ""),
        "raw_path": base64.b64decode(call.get("raw_path", "")),
    }


def facts_of_file(file: file_pb2.File) -> Facts:
    facts: Facts = {
        "path": file.path,
        "kind": file_pb2.FileKind.Name(file.kind),
        "size": file.size,
        "version": file.version,
    }
    if file.raw_path:
        facts["raw_path"] = base64.b64encode(file.raw_path).decode()
    return facts
