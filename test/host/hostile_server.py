"""A hostile web server on this machine's loopback: its paths are what it does to who asks."""

import contextlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

IMAGE = bytes(range(256)) * 1024
BLOCK = b"x" * 65536
GIB = 1024**3
LENGTHS = {"huge-number": "9" * 5000, "negative": "-1", "word": "many", "superscript": "\u00b2", "none": ""}


class Handler(BaseHTTPRequestHandler):
    """Every path is a method, with `_` for `-`; `/<n>` of LENGTHS announces that length."""

    def do_HEAD(self):
        self.server.asked.append((self.path, dict(self.headers)))
        name = self.path[1:].replace("-", "_")
        if name in ("drip_headers", "continue_", "loop", "ftp", "redirect_body"):
            return getattr(self, name)()
        return self.begin(LENGTHS.get(self.path[1:], "10"))

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        name = self.path[1:]
        if name in LENGTHS:
            return self.begin(LENGTHS[name], IMAGE)
        return getattr(self, name.replace("-", "_"))()

    def begin(self, length, body=b"", code=200, **headers):
        self.send_response(code)
        for key, value in {**({"Content-Length": str(length)} if length is not None else {}), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def for_ever(self, data, pause=0.0):
        while not self.server.stopped.wait(pause):
            self.wfile.write(data)
            self.server.sent += len(data)

    def endless(self):
        self.begin(None)
        self.for_ever(BLOCK)

    def endless_zeros(self):
        self.begin(None)
        self.for_ever(bytes(65536))

    def drip(self):
        self.begin(1024 * 1024)
        self.for_ever(b"x", 0.02)

    def drip_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self.for_ever(b"x", 0.02)

    def continue_(self):
        self.for_ever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)

    def lying_head(self):
        self.begin(50 * 1024 * GIB)
        self.for_ever(BLOCK)

    def longer(self):
        self.begin(len(IMAGE) // 2, IMAGE)

    def loop(self):
        self.begin(0, code=302, Location="/loop")

    def ftp(self):
        self.begin(0, code=302, Location="ftp://127.0.0.1:1/x")

    def redirect_body(self):
        self.begin(None, code=302, Location="/there")
        self.for_ever(BLOCK)

    def there(self):
        self.begin(len(IMAGE), IMAGE)

    def reset(self):
        self.begin(len(IMAGE), IMAGE[: len(IMAGE) * 99 // 100])
        self.wfile.flush()
        # A reset in place of an end (socket(7), SO_LINGER).
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """Notes what it was asked, with the headers, and how many bytes it sent beside whole images."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.asked, self.sent, self.stopped = [], 0, threading.Event()

    def handle_error(self, *_):
        """Who asked has had enough."""


@contextlib.contextmanager
def served(handler=Handler):
    """The server for a while, and where it is."""
    with Server(handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.stopped.set()
            server.shutdown()
