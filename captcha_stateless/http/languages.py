"""The language that a visitor reads best among those that are offered."""

from collections.abc import Collection

#: No browser sends more; the rest is not looked at.
_MAX_CHARACTERS = 512


def choose(accept_language: str, offered: Collection[str], default: str) -> str:
    """Choose by an ``Accept-Language`` header (RFC 9110, section 12.5.4), by primary subtag (RFC 4647, section 3.3.1)."""
    best, best_weight = default, 0.0
    for entry in accept_language[:_MAX_CHARACTERS].lower().split(","):
        tag, _, parameters = entry.partition(";")
        language, weight = tag.strip().partition("-")[0], _weight(parameters)
        if language == "*":
            language = default
        if language in offered and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
