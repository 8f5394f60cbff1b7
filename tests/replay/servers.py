"""Redis servers that tests start on free loopback ports, and end."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError

from tests.live import free_port
from tests.needs import program


class RedisServer:
    """One redis-server of our own; everything it writes lies in ``folder``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        folder.mkdir(exist_ok=True)
        self.admin = Redis(port=self.port, decode_responses=True)
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--dir", str(self._folder), "--repl-diskless-sync-delay", "0", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            self.wait_until(self._answers)
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a power failure would."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Stop it without closing its connections."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def end(self) -> None:
        """End it and close what we hold."""
        self.kill()
        self.admin.close()

    def ask(self, *command: Any) -> Any:
        """Run a command as an operator would."""
        return self.admin.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py annotates it not

    def wait_until(self, true: Any) -> None:
        """Wait up to ten seconds."""
        end = time.monotonic() + 10
        while not true():
            assert time.monotonic() < end, "redis-server does not come up"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except (NoConnection, RedisError):
            return False


def follow(replica: RedisServer, master: RedisServer) -> None:
    """Make one server the replica of another, and wait until it has everything."""
    replica.ask("REPLICAOF", "127.0.0.1", master.port)
    replica.wait_until(lambda: replica.admin.info("replication")["master_link_status"] == "up")
