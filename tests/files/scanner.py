"""A virus scanner for tests: speaks clamd's protocol over a real socket and calls one string of bytes dangerous."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

DANGEROUS = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """received: the files it was sent, whole. most: bytes that it takes."""

    daemon_threads = True
    received: list[bytes]
    most = 25 * 1024 * 1024
    address: str


class TcpClamd(Clamd, socketserver.TCPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.received = []
        self.address = f"tcp://127.0.0.1:{self.server_address[1]}"


class UnixClamd(Clamd, socketserver.UnixStreamServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder / "clamd.ctl"), _Conversation)
        self.received = []
        self.address = f"unix://{folder}/clamd.ctl"


class _Conversation(socketserver.StreamRequestHandler):
    server: Clamd

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while length := int.from_bytes(self.rfile.read(4), "big"):
            content += self.rfile.read(length)
            if len(content) > self.server.most:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.server.received.append(content)
        found = DANGEROUS in content
        self.wfile.write(b"stream: Eicar-Test-Signature FOUND\0" if found else b"stream: OK\0")


@contextmanager
def running(server: Clamd) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()
