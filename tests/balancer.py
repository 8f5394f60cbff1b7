"""An nginx of our own that hands requests round robin to replicas, on a free loopback port."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from tests.live import free_port
from tests.needs import program

CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 2;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream replicas {{ {servers} keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://replicas; proxy_http_version 1.1; proxy_set_header Connection "";
      # An answer may have been judged before its reply was lost: it is never sent to a second replica.
      proxy_next_upstream error timeout; proxy_next_upstream_tries 1;
    }}
  }}
}}
"""


@contextlib.contextmanager
def balanced(folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Run nginx before the replicas; yields its URL."""
    port = free_port()
    folder.mkdir()
    servers = " ".join(f"server 127.0.0.1:{replica};" for replica in ports)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, servers=servers, port=port))
    process = subprocess.Popen([program("nginx"), "-e", str(folder / "error.log"), "-c", str(configuration)])
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert process.poll() is None, "nginx did not start"
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url)
            return
        time.sleep(0.1)
    raise AssertionError("nginx does not answer")
