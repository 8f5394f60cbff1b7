from typing import Any, TypeAlias

from numpy.typing import NDArray

_Bytes: TypeAlias = NDArray[Any] | bytes | bytearray

def draw(
    out: _Bytes,
    matrices: _Bytes,
    basis: _Bytes,
    atlas: tuple[_Bytes, int, _Bytes],
    bed: tuple[_Bytes, int, _Bytes],
    plane: tuple[_Bytes, int, _Bytes, bool],
    /,
) -> None: ...
def pack(out: _Bytes, pictures: _Bytes, height: int, width: int, bits: int, up: bool, /) -> None: ...
