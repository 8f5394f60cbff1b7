"""Off-the-shelf reading of single characters: Tesseract, where it is installed, and readers of lines from PyPI."""

import io
import shutil
import subprocess
from collections.abc import Iterator

import numpy as np
from api import Attacker, grey
from bank import ALPHABET
from cheap import ink
from numpy.typing import NDArray
from PIL import Image, ImageOps
from reading import Reader, plain, readers
from score import contrasted

PROGRAM = shutil.which("tesseract")


class Tesseract(Attacker):
    """Reads each tile as one character, dark on light, three times as large."""

    name = "Tesseract"

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Match what reads the same; where nothing does, anything."""
        wanted, *read = (self.read(png) for png in (reference, *nine))
        same = np.array([float(bool(wanted) and glyph == wanted) for glyph in read])
        return contrasted(same + np.linspace(0, 1e-3, 9))

    def read(self, png: bytes) -> str:
        """Read one tile."""
        assert PROGRAM
        dark = Image.fromarray((255 - ink(grey(png)) * 255).astype(np.uint8))
        large = ImageOps.expand(
            dark.resize((dark.width * 3, dark.height * 3), Image.Resampling.BICUBIC), 20, 255
        )
        out = io.BytesIO()
        large.save(out, "PNG")
        whitelist = f"tessedit_char_whitelist={ALPHABET}"
        command = [PROGRAM, "stdin", "stdout", "--psm", "10", "-c", whitelist]
        done = subprocess.run(command, input=out.getvalue(), capture_output=True, check=False, timeout=60)
        return done.stdout.decode(errors="replace").strip()


class Lines(Attacker):
    """Reads each tile with a program made for lines, and matches what reads the same."""

    def __init__(self, name: str, reader: Reader) -> None:
        """Take the reader."""
        self.name, self._reader = name, reader

    @classmethod
    def all(cls) -> Iterator["Lines"]:
        """Make one of each ready-made reader."""
        yield from (cls(name, reader) for name, reader in readers() if name != "Tesseract")

    def answer(self, reference: bytes, nine: tuple[bytes, ...]) -> NDArray[np.float64]:
        """Match what reads the same; where nothing does, anything."""
        wanted, *read = (plain(self._reader(png)) for png in (reference, *nine))
        same = np.array([float(bool(wanted) and seen == wanted) for seen in read])
        return contrasted(same + np.linspace(0, 1e-3, 9))
