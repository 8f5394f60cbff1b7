"""Redis as people have it: a master with a replica that Sentinels watch, and a cluster of three masters."""

import contextlib
import subprocess
import time
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.live import free_port
from tests.needs import program
from tests.replay.servers import RedisServer, follow

#: After so long without an answer a server counts as gone: short, so that tests are.
DOWN_MS = 500


class Watched:
    """A master, its replica, and three Sentinels, of which two must agree."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir()
        self.master, self.replica = (
            RedisServer(folder / "one", *options),
            RedisServer(folder / "two", *options),
        )
        follow(self.replica, self.master)
        self._sentinels = [_Sentinel(folder / f"sentinel{n}", self.master.port) for n in range(3)]
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self._sentinels)
        self.url = f"redis+sentinel://{hosts}/main"
        self.master.wait_until(lambda: all(sentinel.sees_all() for sentinel in self._sentinels))

    def fail_over(self) -> float:
        """Kill the master; return the seconds until the Sentinels name the replica."""
        begun = time.monotonic()
        self.master.kill()
        self.replica.wait_until(
            lambda: all(sentinel.master() == self.replica.port for sentinel in self._sentinels)
        )
        return time.monotonic() - begun

    def end_first_sentinel(self) -> None:
        """Lose a Sentinel: the first that clients ask."""
        self._sentinels.pop(0).end()

    def end(self) -> None:
        for sentinel in self._sentinels:
            sentinel.end()
        self.master.end()
        self.replica.end()


class _Sentinel:
    def __init__(self, folder: Path, master: int) -> None:
        folder.mkdir()
        self.port = free_port()
        (folder / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor main 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds main {DOWN_MS}\nsentinel failover-timeout main 3000\n"
        )
        command = [program("redis-server"), str(folder / "sentinel.conf"), "--sentinel"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._admin = Redis(port=self.port, decode_responses=True)

    def sees_all(self) -> bool:
        with contextlib.suppress(RedisError):
            state: Any = self._ask("MASTER", "main")
            found = dict(zip(state[::2], state[1::2], strict=True)) if isinstance(state, list) else state
            return (str(found["num-slaves"]), str(found["num-other-sentinels"])) == ("1", "2")
        return False

    def master(self) -> int:
        with contextlib.suppress(RedisError):
            address: Any = self._ask("GET-MASTER-ADDR-BY-NAME", "main")
            return int(address[1])
        return 0

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._admin.close()

    def _ask(self, *words: str) -> Any:
        return self._admin.execute_command("SENTINEL", *words)  # type: ignore[no-untyped-call]


class Cluster:
    """Three masters; the first one has a replica."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir()
        self.nodes = [self._node(folder / f"node{number}", *options) for number in range(4)]
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[1:])
        self.url = f"redis+cluster://{hosts}"
        try:
            self._join()
        except BaseException:
            self.end()
            raise

    def _join(self) -> None:
        """Share out the slots, and let the nodes meet."""
        for number, (first, last) in enumerate([(0, 5460), (5461, 10922), (10923, 16383)]):
            self.nodes[number].ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self._buses[0])
        replica = self.nodes[3]
        replica.wait_until(lambda: self.id_of(0) in str(replica.ask("CLUSTER", "NODES")))
        replica.ask("CLUSTER", "REPLICATE", self.id_of(0))
        replica.wait_until(lambda: replica.admin.info("replication").get("master_link_status") == "up")
        for node in self.nodes:
            node.wait_until(lambda node=node: self._whole(node))

    def _node(self, folder: Path, *options: str) -> RedisServer:
        self._buses: list[int] = [*getattr(self, "_buses", []), free_port()]
        words = ["--cluster-enabled", "yes", "--cluster-port", str(self._buses[-1])]
        words += ["--cluster-node-timeout", str(DOWN_MS), "--cluster-require-full-coverage", "no"]
        return RedisServer(folder, *words, *options)

    def id_of(self, number: int) -> str:
        """Return a node's name."""
        return str(self.nodes[number].ask("CLUSTER", "MYID"))

    def node_of(self, slot: int) -> int:
        """Return the master that serves a slot."""
        told: Any = self.nodes[0].ask("CLUSTER", "SLOTS")
        port = next(master[1] for first, last, master, *_ in told if first <= slot <= last)
        return next(number for number, node in enumerate(self.nodes) if node.port == port)

    def migrate(self, slot: int) -> None:
        """Move a slot, and what is in it, to another master, as redis-cli's reshard does."""
        source = self.node_of(slot)
        target = (source + 1) % 3
        ids = [self.id_of(number) for number in range(3)]
        self.nodes[target].ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        self.nodes[source].ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        while keys := self.nodes[source].ask("CLUSTER", "GETKEYSINSLOT", slot, 50):
            self.nodes[source].ask(
                "MIGRATE", "127.0.0.1", self.nodes[target].port, "", 0, 5000, "KEYS", *keys
            )
        for number in (target, source, 3 - source - target):
            self.nodes[number].ask("CLUSTER", "SETSLOT", slot, "NODE", ids[target])

    def fail_over(self) -> float:
        """Kill the first master; return the seconds until its replica has its slots."""
        begun = time.monotonic()
        self.nodes[0].kill()
        self.nodes[3].wait_until(lambda: self.nodes[3].admin.info("replication")["role"] == "master")
        return time.monotonic() - begun

    def end(self) -> None:
        for node in self.nodes:
            node.end()

    def _whole(self, node: RedisServer) -> bool:
        told = str(node.ask("CLUSTER", "INFO"))
        return all(words in told for words in ("state:ok", "known_nodes:4", "cluster_size:3"))
