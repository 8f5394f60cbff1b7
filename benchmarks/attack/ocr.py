"""Tesseract, where it is installed: off-the-shelf reading of single characters."""

import io
import shutil
import subprocess

import numpy as np
from api import Attacker, grey
from bank import ALPHABET
from cheap import ink
from numpy.typing import NDArray
from PIL import Image, ImageOps
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
