"""Texts that are read in one spelling only: base64 with its padding, and JSON whose members come once."""

import binascii
import json
from typing import Any

from captcha_stateless.errors import BadRequest

#: Longer payloads are refused unread: ours stay under 3,000.
MAX_CHARACTERS = 8_192


def read(text: str) -> dict[str, Any]:
    """Read a JSON object in base64 (RFC 4648, section 4), as widgets write it.

    Raises:
        BadRequest: when it is too long, or is none.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadRequest("over-long payload")
    try:
        content = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
        if binascii.b2a_base64(content, newline=False).decode("ascii") != text:
            raise ValueError("stray trailing bits")
        document = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BadRequest("payload is no base64 of JSON") from None
    if not isinstance(document, dict):
        raise BadRequest("payload is no JSON object")
    return document


def write(document: str) -> str:
    """Write a JSON text in base64."""
    return binascii.b2a_base64(document.encode(), newline=False).decode("ascii")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members
