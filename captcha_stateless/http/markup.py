"""HTML by construction: whatever is not markup already is escaped, so that no page can forget it."""

from collections.abc import Sequence
from html import escape

_VOID = frozenset({"img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML; only :func:`element` and :func:`document` make it."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: str | bool) -> Markup:
    """Write an element; true attributes are bare and false ones left out, ``_`` at the end is dropped and ``-`` within."""
    words = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{words}>")
    return Markup(f"<{tag}{words}>{joined(*children)}</{tag}>")


def joined(*children: str) -> Markup:
    """Write pieces one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


def document(
    *children: str,
    language: str,
    direction: str,
    title: str,
    style: str,
    icon: str,
    scripts: Sequence[str] = (),
) -> Markup:
    """Write a page; it needs no script unless some are named, which run in their order once it is there."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="stylesheet", href=style),
        element("link", rel="icon", href=icon),
        *(element("script", src=source, defer=True) for source in scripts),
    )
    body = element("body", element("main", *children))
    return Markup("<!doctype html>" + element("html", head, body, lang=language, dir=direction))


def _attribute(name: str, value: str | bool) -> str:
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{escape(value)}"'
