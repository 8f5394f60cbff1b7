"""Byte ranges: one stretch of a content that is made anew for each request (RFC 9110, section 14)."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,9})-(\d{0,9})|-(\d{1,9}))", re.ASCII)


def ranged(request: Request, content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """Answer all of a content, the one range that is asked for, or 304 where the client has it already.

    Several ranges, and what is no range at all, are answered with all of it, as section 14.2 permits. ``headers`` hold the
    ETag.
    """
    headers = {**headers, "Accept-Ranges": "bytes"}
    if _has(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    asked = _ONE_RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        return Response(content, media_type=media_type, headers=headers)
    return _part(asked, content, media_type, headers)


def _part(asked: re.Match[str], content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    first, last, suffix = asked.groups()
    start = max(0, len(content) - int(suffix)) if suffix else int(first)
    end = min(int(last) + 1, len(content)) if last else len(content)
    if start >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    where = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
    return Response(content[start:end], 206, media_type=media_type, headers=where)


def _has(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in header.split(",")]
