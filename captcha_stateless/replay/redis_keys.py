"""What the keys on a Redis server are called; those of one token lie in one slot of a cluster."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import blake2b

from captcha_stateless.replay.base import attempt_name


@dataclass(frozen=True, slots=True)
class Names:
    """Names keys under a prefix, spread over so many shards, by a secret hash."""

    prefix: str
    shards: int
    secret: bytes = field(repr=False)

    def shard(self, namespace: str, jti: bytes) -> int:
        """Return the shard of a token's attempts."""
        return int.from_bytes(self._hash(attempt_name(namespace, jti, 0))[:4]) % self.shards

    def epoch(self, shard: int) -> str:
        """Return the key that holds the shard's epoch."""
        return f"{self.prefix}:{{{shard}}}:epoch"

    def bucket(self, shard: int, bucket: int) -> str:
        """Return the key that holds one of the shard's buckets."""
        return f"{self.prefix}:{{{shard}}}:{bucket}"

    def room(self, shard: int, bucket: int) -> str:
        """Return the key that counts what each namespace has left in one of the shard's buckets."""
        return f"{self.prefix}:{{{shard}}}:{bucket}:room"

    def attempt(self, shard: int, attempt: bytes) -> str:
        """Return the key that stands for one attempt."""
        return f"{self.prefix}:{{{shard}}}:{urlsafe_b64encode(self._hash(attempt)).decode()}"

    def _hash(self, message: bytes) -> bytes:
        return blake2b(message, key=self.secret, digest_size=18).digest()
