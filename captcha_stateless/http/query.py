"""The query of a request, bounded before it is parsed."""

from collections.abc import Mapping
from functools import lru_cache

from starlette.datastructures import QueryParams

#: No honest query has more parameters; thousands take longer to read than a request to answer.
MOST_PARAMETERS = 64


def is_bounded(query: bytes) -> bool:
    """Tell whether a query has no more parameters than any honest one."""
    return query.count(b"&") < MOST_PARAMETERS


@lru_cache(maxsize=256)
def parameters(query: bytes) -> Mapping[str, str]:
    """Read a query, whose first spelling of each name counts least, as Starlette does; for what is asked again and again."""
    return QueryParams(query)
