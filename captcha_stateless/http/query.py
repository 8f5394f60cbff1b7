"""The query of a request, bounded before it is parsed."""

#: No honest query has more parameters; thousands take longer to read than a request to answer.
MOST_PARAMETERS = 64


def is_bounded(query: bytes) -> bool:
    """Tell whether a query has no more parameters than any honest one."""
    return query.count(b"&") < MOST_PARAMETERS
