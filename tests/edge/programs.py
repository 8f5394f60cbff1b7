"""The programs of an edge, run with the very files of deploy/: only addresses and paths are put in their place."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from tests.live import free_port
from tests.needs import need, program

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
_NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")


def placed(name: str, places: Mapping[str, str]) -> str:
    """Read a file of deploy/, and replace what a deployment would."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for told, used in places.items():
        assert told in text, f"{name} does not say {told}"
        text = text.replace(told, used)
    return text


def replicas(ports: Sequence[int]) -> dict[str, str]:
    """Put our replicas in the place of those that the files name; where we have fewer the last stands in."""
    named = ("127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003")
    return {told: f"127.0.0.1:{ports[min(number, len(ports) - 1)]}" for number, told in enumerate(named)}


def without_server(text: str, ending: str) -> str:
    """Leave out the line of the third replica, where there are two."""
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(ending))


@contextlib.contextmanager
def running(command: Sequence[str], port: int) -> Iterator[str]:
    """Run a program until the test is over; yields the URL where it listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            _wait(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def nginx(folder: Path, text: str, port: int, *, modules: bool = False) -> Iterator[str]:
    """Run nginx with what is to be included in http { }."""
    folder.mkdir(exist_ok=True)
    need(not modules or _NJS.exists(), "nginx's njs module (libnginx-mod-http-js)")
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    load = f"load_module {_NJS};" if modules else ""
    head = f"{load} {user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;"
    (folder / "nginx.conf").write_text(
        f"{head} events {{ worker_connections 1024; }} http {{ access_log off; {temporary}\n{text}\n}}"
    )
    command = [program("nginx"), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    with running(command, port) as url:
        yield url


@contextlib.contextmanager
def haproxy(folder: Path, text: str, port: int) -> Iterator[str]:
    """Run HAProxy."""
    folder.mkdir(exist_ok=True)
    (folder / "haproxy.cfg").write_text(text + "\n")
    with running([program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], port) as url:
        yield url


@contextlib.contextmanager
def caddy(folder: Path, text: str, port: int) -> Iterator[str]:
    """Run Caddy, which keeps what it keeps in the folder."""
    folder.mkdir(exist_ok=True)
    quiet = "{\n\tadmin off\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n"
    (folder / "Caddyfile").write_text(quiet + text)
    places = [f"{name}={folder}" for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")]
    words = ["env", *places, program("caddy"), "run", "--adapter", "caddyfile", "--config"]
    with running([*words, str(folder / "Caddyfile")], port) as url:
        yield url


@contextlib.contextmanager
def traefik(folder: Path, text: str, port: int, routed: str) -> Iterator[str]:
    """Run Traefik with what its file provider reads; PyPI brings the program.

    It listens before it has read the file: ``routed`` is a path of which something is said only afterwards.
    """
    folder.mkdir(exist_ok=True)
    (folder / "dynamic.yml").write_text(text)
    command = [
        program(str(Path(sys.executable).with_name("traefik"))),
        f"--entrypoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={folder}/dynamic.yml",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
    ]
    with running(command, port) as url:
        for _ in range(300):
            if httpx.get(f"{url}{routed}", timeout=20).status_code != 404:
                break
            time.sleep(0.1)
        yield url


@contextlib.contextmanager
def varnish(folder: Path, port: int, *options: str) -> Iterator[str]:
    """Run Varnish."""
    command = [
        program("varnishd"),
        "-j",
        "none",
        "-F",
        "-n",
        str(folder),
        "-a",
        f"127.0.0.1:{port}",
        "-s",
        "malloc,32m",
    ]
    need(shutil.which("gcc") or shutil.which("cc"), "a C compiler, for Varnish")
    with running([*command, *options], port) as url:
        yield url


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0].decode())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("the program does not listen")


def two_ports() -> tuple[int, int]:
    """Find two ports that nobody listens on."""
    first = free_port()
    second = free_port()
    return (first, second) if first != second else two_ports()
