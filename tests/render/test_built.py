"""The package as it is built: with a compiler, and where there is none."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.needs import program

ROOT = Path(__file__).parent.parent.parent
PARTS = ("captcha_stateless", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE")
#: Draws in the wheel's own code, with this environment's libraries, and tells whether it is compiled.
SCRIPT = """
import sys
from captcha_stateless.render import TileRenderer, default_typefaces
from captcha_stateless.render.compiled import COMPILED
drawing = TileRenderer(alphabet="AKMR", typefaces=default_typefaces(), family="outline", size=96, secret=b"secret")
assert len(drawing.tiles("AKMR", b"seed")) == 4
print(COMPILED, TileRenderer.__init__.__globals__["__file__"])
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("environ", "compiled"),
    [({}, True), ({"CC": "/bin/false"}, False), ({"CAPTCHA_PURE_PYTHON": "1"}, False)],
)
def test_a_wheel_draws_with_and_without_a_compiler(
    tmp_path: Path, environ: dict[str, str], compiled: bool
) -> None:
    program("cc")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    wheel = built(tmp_path, environ)

    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path / "installed",
        check=True,
        capture_output=True,
        text=True,
    )

    assert wheel.name.endswith("-py3-none-any.whl") != compiled
    assert done.stdout.split() == [
        str(compiled),
        str(tmp_path / "installed/captcha_stateless/render/tiles.py"),
    ]


def built(folder: Path, environ: dict[str, str]) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", "."]
    subprocess.run(command, cwd=folder, env={**os.environ, **environ}, check=True, capture_output=True)
    return next((folder / "dist").glob("*.whl"))
