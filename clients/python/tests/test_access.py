"""How a connection says who calls, and where it does not."""

import os
import tempfile
import unittest
from concurrent import futures
from pathlib import Path

import grpc
import runlet
from runlet.v1 import process_pb2, process_pb2_grpc


class Refusing(grpc.GenericRpcHandler):
    """Refuses every call, and keeps what it presented."""

    def __init__(self):
        self.presented = []

    def service(self, details):
        headers = dict(details.invocation_metadata)
        self.presented.append((headers.get("authorization"), headers.get("own")))


class Presents(unittest.TestCase):
    def setUp(self):
        self.handler = Refusing()
        server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[self.handler])
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self.addCleanup(lambda: server.stop(None).wait())
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "token")

    def stub(self, token):
        channel = runlet.open_channel(self.address, token=token)
        self.addCleanup(channel.close)
        return process_pb2_grpc.ProcessServiceStub(channel)

    def codes(self, stub):
        """How a call of each kind fails."""
        own = {"metadata": [("own", "header")], "timeout": 60}
        calls = (
            lambda: stub.GetProcess(process_pb2.GetProcessRequest(), **own),
            lambda: list(stub.WatchProcess(process_pb2.WatchProcessRequest(), **own)),
            lambda: stub.StreamStdin(iter(()), **own),
            lambda: list(stub.Interact(iter(()), **own)),
        )
        codes = set()
        for call in calls:
            with self.assertRaises(grpc.RpcError) as failed:
                call()
            codes.add(failed.exception.code())
        return codes

    def test_a_token_with_every_call(self):
        self.assertEqual(self.codes(self.stub("secret")), {grpc.StatusCode.UNIMPLEMENTED})
        self.assertEqual(self.handler.presented, [("Bearer secret", "header")] * 4)

    def test_a_file_that_is_read_for_each_call(self):
        stub = self.stub(runlet.token_file(self.path))
        self.assertEqual(self.codes(stub), {grpc.StatusCode.UNAVAILABLE})
        for token in ("one", "two\n"):
            self.path.write_text(token)
            self.handler.presented.clear()
            self.assertEqual(self.codes(stub), {grpc.StatusCode.UNIMPLEMENTED})
            self.assertEqual(self.handler.presented, [(f"Bearer {token.strip()}", "header")] * 4)

    def test_nothing_without_a_token(self):
        self.codes(self.stub(None))
        self.assertEqual(self.handler.presented, [(None, "header")] * 4)


class Refuses(unittest.TestCase):
    def test_a_token_without_tls_beyond_this_machine(self):
        for address in ("127.example.com:1", "example.com:1", "10.0.0.1:1", "[2001:db8::1]:1"):
            with self.subTest(address):
                for make in (runlet.connect, runlet.open_channel):
                    with self.assertRaisesRegex(ValueError, "without TLS"):
                        make(address, token="secret")
                    made = make(address, token="secret", allow_insecure=True)
                    made.close()
        for address in ("127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1", "unix:/run/x"):
            with self.subTest(address):
                runlet.connect(address, token="secret").close()

    def test_a_token_that_no_header_has(self):
        for token in ("", "two words", "line\nbreak", "é"):
            with self.subTest(token), self.assertRaises(ValueError) as failed:
                runlet.connect("127.0.0.1:1", token=token)
            if token:
                self.assertNotIn(token, str(failed.exception))

    def test_tls_twice_or_by_half(self):
        with self.assertRaises(ValueError):
            runlet.Tls(cert="cert.pem")
        with self.assertRaises(ValueError):
            runlet.Tls(key="key.pem")
        with self.assertRaises(ValueError):
            runlet.connect("h:1", tls=True, credentials=grpc.ssl_channel_credentials())
        with self.assertRaises(OSError):
            runlet.open_channel("h:1", tls=runlet.Tls(ca=os.path.join("no", "such", "file")))

    def test_to_print_a_token(self):
        settings = runlet.connect("127.0.0.1:1", token="secret")._settings
        self.assertNotIn("secret", repr(settings))


if __name__ == "__main__":
    unittest.main()
