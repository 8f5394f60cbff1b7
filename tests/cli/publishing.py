"""Somebody who publishes documents over HTTPS, under a certificate of an authority of our own."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.needs import module


class Publisher:
    """What is published: for each path a status, a media type and a body; ``asked`` are the paths that were asked for."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[int, str, bytes]] = {}
        self.asked: list[str] = []
        self.port = 0

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"


@contextmanager
def publishing(folder: Path) -> Iterator[tuple[Publisher, Path]]:
    """Publish until the end of the ``with``; the path is the authority's, as PEM."""
    authority = module("trustme").CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.asked.append(self.path)
            status, media_type, body = publisher.documents.get(self.path, (404, "text/plain", b""))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Location", f"https://{publisher.name}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    publisher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield publisher, folder / "authority.pem"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
