"""A site behind the wall of each edge, with the very files of deploy/, and what visitors of it send."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from captcha_stateless.engine import Engine
from captcha_stateless.tokens.digests import fingerprint
from tests.edge import programs
from tests.edge.conftest import engine_of, settings_in
from tests.live import free_port, live_server
from tests.needs import program

EDGES = ("nginx", "caddy", "haproxy", "traefik")
_RULES = '[[site.rule]]\nset = "feeds"\n[[site.rule]]\nset = "git"\n'
SITES = "".join(
    f'[[site]]\nname = "{key}"\nkey = "{key}"\nkinds = ["grid", "text", "work"]\n'
    f'secret_sha256 = "{fingerprint(key).hex()}"\n{_RULES}'
    for key in ("one", "two")
)
PAGE = "<!doctype html><title>The site</title><link rel=icon href=data:,><p>"


class Site(BaseHTTPRequestHandler):
    """The site behind the edge: pages, a form, and a repository to clone."""

    protocol_version = "HTTP/1.1"
    #: Where the repositories are.
    folder = Path()

    def do_GET(self) -> None:
        if ".git/" in self.path:
            return self._git(b"")
        return self._answer(200, "text/html", f"{PAGE}{self.command} {self.path}".encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if ".git/" in self.path:
            return self._git(body)
        return self._answer(200, "text/plain", b"POST " + body)

    def _answer(self, status: int, media_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _git(self, body: bytes) -> None:
        """Have git's own CGI program answer."""
        address = urlsplit(self.path)
        environ = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
        }
        command = [program("git"), "-c", "safe.directory=*", "http-backend"]
        told = subprocess.run(command, input=body, env=environ, capture_output=True, check=True).stdout
        head, _, content = told.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(fields.pop("Status", "200 OK").split()[0])
        self._answer(status, fields["Content-Type"], content)

    def log_message(self, *_: object) -> None:
        pass


class Sites(ThreadingHTTPServer):
    """Listens; a browser that goes away in the middle of an answer is no fault."""

    def handle_error(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Behind:
    """The replicas, an engine with their keys, and the site behind the edge."""

    replicas: tuple[int, int]
    engine: Engine
    site: int
    #: Where the site's repositories are.
    folder: Path


@contextlib.contextmanager
def behind(folder: Path, **more: str) -> Iterator[Behind]:
    """Run two replicas of two sites, which share a filter as they would share Redis, and a site."""
    (folder / "sites.toml").write_text(SITES)
    environ = {**settings_in(folder), "CAPTCHA_SITES": str(folder / "sites.toml"), **more}
    Site.folder = folder / "repositories"
    server = Sites(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with ExitStack() as stack:
        one, two = (stack.enter_context(live_server(environ=environ)).port for _ in range(2))
        yield Behind((one, two), engine_of(environ), server.server_port, Site.folder)
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def wall(edge: str, folder: Path, behind: Behind, replicas: tuple[int, int] | None = None) -> Iterator[str]:
    """Run an edge for the site `two`; yields its URL under a name for which browsers take secure cookies."""
    port = free_port()
    one, two = replicas or behind.replicas
    places = {
        "dev-site": "two",
        "127.0.0.1:9000": f"127.0.0.1:{behind.site}",
        "127.0.0.1:8001": f"127.0.0.1:{one}",
        "127.0.0.1:8002": f"127.0.0.1:{two}",
    }
    with _running(edge, folder, port, places):
        yield f"http://localhost:{port}"


def _running(
    edge: str, folder: Path, port: int, places: Mapping[str, str]
) -> contextlib.AbstractContextManager[str]:
    here = f"127.0.0.1:{port}"
    if edge == "nginx":
        text = programs.placed("wall-nginx.conf", {**places, "127.0.0.1:8080": here})
        return programs.nginx(folder, text, port)
    if edge == "caddy":
        text = programs.placed("wall.Caddyfile", {**places, "\n:8080 {": f"\n:{port} {{"})
        return programs.caddy(folder, text, port)
    if edge == "traefik":
        return programs.traefik(folder, programs.placed("wall-traefik.yml", places), port, "/")
    asked = {"127.0.0.1:8079": f"127.0.0.1:{free_port()}"}
    folder.mkdir(exist_ok=True)
    (folder / "wall.lua").write_text(programs.placed("wall.lua", asked))
    here_too = {"127.0.0.1:8080": here, "/etc/haproxy/wall.lua": str(folder / "wall.lua")}
    return programs.haproxy(
        folder, programs.placed("wall-haproxy.cfg", {**places, **asked, **here_too}), port
    )
