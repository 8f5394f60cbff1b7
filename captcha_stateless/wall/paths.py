r"""Paths as servers read them, and the globs that they are held against.

Servers differ in how they read a path that is written oddly: whether ``%2f`` and ``\`` part segments, how often they decode,
what becomes of ``..``, ``//``, ``;``, ``#``, NUL and an encoded ``?``, in which order, and on how many servers after another.
None of these ways is the right one, so all are told.
"""

import re
import string
from collections.abc import Callable, Iterable

#: What is longer and oddly written too, or can be read in more ways than these, is read in no way.
MOST_CHARACTERS = 1_024
MOST_READINGS = 64

#: What not every server reads alike, once what means nothing but itself is decoded.
_ODD = re.compile(r"[%;\\#?\0]|//|/\.\.?(?:/|\Z)|\A(?!/)")
#: What means something else where it is not encoded: ``% / \ ; # ? .`` and control characters.
_MEANS = r"25|2f|5c|3b|23|3f|2e|[01].|7f"
_HARMLESS = re.compile(rf"%(?!{_MEANS})([0-9a-f]{{2}})", re.IGNORECASE)
_BROKEN = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9a-f]{2})", re.IGNORECASE)
_ESCAPED_DATA = re.compile(r"%(?!2f|5c)([0-9a-f]{2})", re.IGNORECASE)
_PARAMETERS = re.compile(r";[^/]*")
_SLASHES = re.compile(r"//+")
_REPEATED = re.compile(r"(?:/\*\*){2,}")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

Match = Callable[[str], bool]


def readings(path: str) -> tuple[str, ...]:
    """Tell every way in which servers may read a path; none where there are too many, it is too long and odd, or not known.

    A reading is in lower case as far as ASCII goes, without a slash at its end; bytes beyond ASCII are characters of Latin-1,
    as in HTTP's headers.
    """
    base = path.lower() if path.isascii() and "%" not in path else _base(path)
    if _ODD.search(base) is None:
        return (_trimmed(base),)
    if not path or len(base) > MOST_CHARACTERS:
        return ()
    found, new = {base}, [base]
    while new:
        last = new.pop()
        for step in _STEPS:
            read = step(last)
            if read not in found:
                found.add(read)
                new.append(read)
        if len(found) > MOST_READINGS:
            return ()
    return tuple({_trimmed(read) for read in found})


def normal(path: str) -> str:
    """Read a path with all done to it that servers do, until nothing is left to do."""
    before, path = "", _base(path)
    while path != before:
        before = path
        for step in _STEPS:
            path = step(path)
    return _trimmed(path)


def glob(text: str) -> str:
    """Read a glob over paths: ``*`` is any part of one segment, ``**`` any number of segments.

    Raises:
        ValueError: when no path could ever match; it says, in the words of a sentence's end, what to write.
    """
    if not text.startswith("/"):
        near = f"/**/{text}" if text.startswith("*.") else f"/{text.lstrip('*/')}"
        raise ValueError(f"begins with no slash: write {near}")
    for segment in text.split("/"):
        if "**" in segment and segment != "**":
            near = text.replace(segment, f"{segment.replace('**', '*')}/**")
            raise ValueError(f"has ** within a segment: write {near}")
    if "?" in text:
        raise ValueError(f"has a query, and paths have none: write {text.partition('?')[0] or '/'}")
    written = text.encode("utf-8", "surrogatepass").decode("latin-1")
    plain = normal(written)
    if plain != _trimmed(_lower(written)):
        raise ValueError(f"is never what a path is read as: write {shown(plain)}")
    return _REPEATED.sub("/**", plain)


def shown(reading: str) -> str:
    """Write a reading as people do, where its bytes are UTF-8."""
    try:
        return reading.encode("latin-1").decode()
    except UnicodeDecodeError:
        return reading


def match(globs: Iterable[str]) -> Match:
    """Make what tells whether a reading matches one of the globs, in a time that is linear in it."""
    exact, below, ends, others = set[str](), [], [], []
    for text in globs:
        head, end = text.removesuffix("/**"), _end(text)
        if text == "/**":
            return bool  # no reading is empty
        if "*" not in head:
            exact.add(head)
            below += [f"{head}/"] if head != text else []
        elif end:
            ends.append(end)
        else:
            others.append(text)
    starts, stops = tuple(below), tuple(ends)
    if others:
        heads, tails = (
            tuple(text.partition("*")[0] for text in others),
            tuple(text.rpartition("*")[2] for text in others),
        )
        matches = re.compile("|".join(map(_pattern, others)), re.DOTALL).fullmatch
        return lambda reading: (
            reading in exact
            or reading.startswith(starts)
            or reading.endswith(stops)
            # What each glob begins and ends with is looked at first, for most readings do not.
            or (reading.startswith(heads) and reading.endswith(tails) and matches(reading) is not None)
        )
    if stops:
        return lambda reading: reading in exact or reading.startswith(starts) or reading.endswith(stops)
    if starts:
        return lambda reading: reading in exact or reading.startswith(starts)
    return exact.__contains__


def _end(text: str) -> str:
    """Tell what a reading must end with to match a glob, where that is all that the glob asks; empty: it asks for more."""
    head, parting, name = text.rpartition("/")
    if head != "/**" or "*" in name[1:]:
        return ""
    return name[1:] if name[:1] == "*" else parting + name


def _pattern(text: str) -> str:
    """Write a glob as a pattern that never goes back: each part takes the first place where it fits, and keeps it."""
    first, *rest = [part.strip("/") for part in f"{text}/".split("/**/")]
    pattern = _segments(first)
    for number, part in enumerate(rest, 1):
        if number < len(rest):
            pattern += f"(?>(?:/[^/]*)*?{_segments(part)})"
        elif part:
            pattern += f"(?:/[^/]*)*?{_segments(part)}"
        else:
            pattern += "(?:/.*)?"
    return pattern


def _segments(part: str) -> str:
    return "".join(f"(?>/{_segment(segment)}(?![^/]))" for segment in part.split("/")) if part else ""


def _segment(text: str) -> str:
    if text == "*":
        return "[^/]*"
    first, *rest = map(re.escape, text.split("*"))
    if not rest:
        return first
    return first + "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1]) + f"[^/]*{rest[-1]}"


def _base(path: str) -> str:
    """Decode what every server takes for the same, encoded or not; nothing where that could make an escape that was none."""
    text = _bytes(path)
    return _lower(text if _BROKEN.search(text) else _decoded(_HARMLESS, text))


def _decoded(escape: re.Pattern[str], text: str) -> str:
    return _lower(escape.sub(lambda found: chr(int(found[1], 16)), text)) if "%" in text else text


def _resolved(path: str) -> str:
    """Resolve dot segments (RFC 3986, section 5.2.4)."""
    found: list[str] = []
    for segment in path.removeprefix("/").split("/"):
        if segment == "..":
            del found[-1:]
        elif segment != ".":
            found.append(segment)
    return "/" + "/".join(found)


#: What a server may do to a path, each as often as it likes; what decodes comes first, so that :func:`normal` ends soon.
_STEPS: tuple[Callable[[str], str], ...] = (
    lambda path: _decoded(_ESCAPED_DATA, path),
    lambda path: _decoded(_ESCAPE, path),
    lambda path: path.replace("\\", "/"),
    lambda path: path.partition("#")[0],
    lambda path: path.partition("?")[0],
    lambda path: path.partition("\0")[0],
    lambda path: _PARAMETERS.sub("", path),
    lambda path: _SLASHES.sub("/", path),
    _resolved,
)


def _trimmed(path: str) -> str:
    return path.rstrip("/") or "/"


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _bytes(text: str) -> str:
    """Write characters that are no bytes as those of UTF-8."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text
