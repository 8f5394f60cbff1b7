"""A verdict on a pass: what siteverify answered, or what the pass itself says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from captcha_stateless.model import Pass
from captcha_stateless.tokens.passes import MAX_TOKEN_CHARACTERS

#: Codes of our own, beside those of siteverify.
UNREACHABLE = "unreachable"
ACTION_MISMATCH = "action-mismatch"
HOSTNAME_MISMATCH = "hostname-mismatch"
KIND_MISMATCH = "kind-mismatch"
REFUSED = "refused"
MISSING = "missing-input-response"
INVALID = "invalid-input-response"
EXPIRED = "timeout-or-duplicate"
#: In the words of the dialect that is asked.
_SAME = {"already-seen-response": EXPIRED, "expired-input-response": EXPIRED}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a pass is right, and what it says; true or false as a whole.

    ``codes`` say why not: those of siteverify, or one of this module's. ``solved_at`` is when the challenge was solved,
    ``score`` what the pass is worth, from 0 (a bot's, surely) to 1: a back end may ask more of a weak one.
    """

    success: bool
    codes: tuple[str, ...] = ()
    hostname: str = ""
    action: str = ""
    cdata: str = ""
    kind: str = ""
    solved_at: datetime | None = None
    score: float = 0.0

    def __bool__(self) -> bool:
        return self.success

    def expecting(
        self, action: str | None, hostname: str | None, kinds: Collection[str] | None = None
    ) -> "Verdict":
        """Refuse a pass that was earned for another action, on another host or by another kind than is expected."""
        if self.success and action is not None and action != self.action:
            return replace(self, success=False, codes=(ACTION_MISMATCH,))
        if self.success and hostname is not None and hostname != self.hostname:
            return replace(self, success=False, codes=(HOSTNAME_MISMATCH,))
        if self.success and kinds is not None and self.kind not in kinds:
            return replace(self, success=False, codes=(KIND_MISMATCH,))
        return self


def readable(token: str | bytes | None) -> str | Verdict:
    """Read what a visitor sent as a pass; what cannot be one is a no, and nobody is asked."""
    if not token:
        return Verdict(False, (MISSING,))
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        return Verdict(False, (INVALID,))
    return token if isinstance(token, str) else token.decode("ascii")


def document_of(response: httpx.Response | None) -> Mapping[str, Any] | None:
    """Read the JSON object of a good answer; None where it is none."""
    if response is None or response.status_code != httpx.codes.OK:
        return None
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def answered(response: httpx.Response | None) -> Verdict | None:
    """Read siteverify's answer; None where the server is out of reach."""
    if response is None or response.is_server_error:
        return None
    document = document_of(response)
    if document is None or not isinstance(document.get("success"), bool):
        return Verdict(False, (REFUSED,))
    return Verdict(
        success=document["success"],
        codes=tuple(_SAME.get(code, code) for code in map(str, document.get("error-codes") or ())),
        hostname=str(document.get("hostname", "")),
        action=str(document.get("action", "")),
        cdata=str(document.get("cdata", "")),
        solved_at=_moment(document.get("challenge_ts")),
        score=_score(document) if document["success"] else 0.0,
    )


def _score(document: Mapping[str, Any]) -> float:
    """Turn the dialect's scale, on which 0 is no risk, into ours; a server that tells none vouches wholly."""
    risk = document.get("score", 0)
    return round(1 - float(risk), 2) if isinstance(risk, int | float) else 0.0


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def told(shown: Pass) -> Verdict:
    """Word what a pass says of itself."""
    return Verdict(
        success=True,
        hostname=shown.host,
        action=shown.action,
        cdata=shown.cdata,
        kind=shown.kind,
        solved_at=datetime.fromtimestamp(shown.iat, UTC),
        score=shown.score,
    )
