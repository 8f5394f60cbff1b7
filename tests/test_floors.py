"""The architecture, asserted: imports go down only, never sideways, and each library has one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "captcha_stateless"
ROOT = Path(__file__).parent.parent / PACKAGE

# From the bottom up. A name stands for the module, or for the package and what is in it.
FLOORS = [
    [
        "admission",
        "errors",
        "events",
        "base64url",
        "batch",
        "dataurl",
        "digests",
        "draws",
        "languages",
        "logs",
        "lookalikes",
        "pool",
        "problems",
        "settings",
        "sound",
        "stages",
        "stores",
        "testkeys",
        "watched",
        "render",
    ],
    ["model", "metrics", "profiles"],
    ["policy"],
    ["keys", "kinds", "risk", "sites"],
    ["guard", "seal", "passes", "replay"],
    ["engine"],
    ["journal"],
    ["manners", "tracing", "peers", "signals", "client", "wire"],
    ["protocols"],
    ["app", "integrations"],
    ["doctor", "testing", "top"],
    ["cli"],
    ["__main__", "__init__"],
]
# Floors within a package, where its modules build on each other; elsewhere siblings may import only their base.
INNER_FLOORS: dict[str, list[list[str]]] = {
    "kinds": [["base"], ["spoken"], ["*"], ["__init__"]],
    "protocols": [
        ["endpoint", "markup", "ranges", "replies", "routing"],
        ["base"],
        ["scripts"],
        ["*"],
        ["__init__"],
    ],
    "integrations": [["*"], ["__init__"]],
    "replay": [
        ["base", "bloom", "breaker", "lua", "shares", "window"],
        ["locks", "names"],
        ["arena", "server"],
        ["*"],
        ["__init__"],
    ],
    "risk": [["counters", "networks"], ["dnsbl", "rates"], ["assess"], ["__init__"]],
    "render": [
        ["chance", "checks", "deflate", "inks", "typefaces", "sheet"],
        ["families", "png"],
        ["atlas", "colours", "plane"],
        ["bed", "warp"],
        ["small"],
        ["tiles", "lines"],
        ["__init__"],
    ],
    "sound": [["wav"], ["voices"], ["speaker"], ["__init__"]],
    "stores": [["url"], ["connect"], ["__init__"]],
    "wire": [["guarded"], ["*"], ["__init__"]],
}
# Within the lowest floor: these stand on the others.
GROUND = {
    "settings": {"errors", "stages", "stores"},
    "stores": {"errors"},
    "watched": {"errors"},
    "render": {"errors"},
    "sound": {"draws", "errors"},
    "pool": {"errors"},
    "admission": {"errors"},
}

HOMES = {
    "jwcrypto": {"passes", "keys"},
    "cryptography": {"keys", "seal"},
    "msgpack": {"seal"},
    "dns": {"risk"},
    "starlette": {
        "protocols",
        "journal",
        "manners",
        "peers",
        "signals",
        "tracing",
        "app",
        "integrations",
        "wire",
    },
    "flask": {"integrations"},
    "django": {"integrations"},
    "httpx": {"client", "testing"},
    "pytest": {"testing"},
    "click": {"cli"},
    "prometheus_client": {"metrics", "top"},
    "uvicorn": {"cli", "peers", "testing", "wire"},
    "opentelemetry": {"tracing"},
    "h11": {"wire"},
    "httptools": {"wire"},
    "PIL": {"render"},
    "fontpkg": {"render"},
    "isal": {"render"},
    "pybase64": {"dataurl"},
    "numpy": {"render", "replay", "sound"},
    "redis": {"replay", "stores"},
    "limits": {"risk"},
    "captcha": set(),  # only its recordings are read
}


def violations(module: str, source: str) -> Iterator[str]:
    """Name every import of a module that the architecture forbids."""
    for target in imports(source):
        top, _, rest = target.partition(".")
        if top != PACKAGE:
            if top in HOMES and part(module) not in HOMES[top]:
                yield f"{module} imports {top}"
        elif rest and not allowed(module, rest):
            yield f"{module} imports {rest}"


def imports(source: str) -> Iterator[str]:
    """Name every imported module, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor"
            base = node.module or ""
            submodules = [alias.name for alias in node.names if is_module(f"{base}.{alias.name}")]
            yield from (f"{base}.{name}" for name in submodules)
            if not submodules:
                yield base


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def allowed(module: str, target: str) -> bool:
    above, below = part(module), part(target)
    if above == below:
        return above in INNER_FLOORS and inner(module) > inner(target)
    if floor(above) == floor(below):
        return below in GROUND.get(above, set())
    return floor(above) > floor(below)


def part(module: str) -> str:
    return module.partition(".")[0]


def floor(name: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if name in names)


def inner(module: str) -> int:
    package, _, name = module.partition(".")
    floors = INNER_FLOORS[package]
    name = name or "__init__"
    known = name if any(name in names for names in floors) else "*"
    return next(number for number, names in enumerate(floors) if known in names)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield (name.removesuffix(".__init__") if name != "__init__" else name), path


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value))
def test_imports_go_down_only(module: str, path: Path) -> None:
    assert list(violations(module, path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("errors", "import captcha_stateless.model"),
        ("kinds.grid", "from captcha_stateless.seal import Seal"),
        ("kinds.grid", "from captcha_stateless.kinds import text"),
        ("kinds.text", "from captcha_stateless.kinds.grid import Grid"),
        ("protocols.minicap", "from captcha_stateless.protocols.onecaptcha import WORDS"),
        ("engine", "def late():\n    from captcha_stateless.app import create_app"),
        ("digests", "from captcha_stateless.settings import Settings"),
        ("engine", "from starlette.requests import Request"),
        ("kinds.grid", "import numpy as np"),
        ("kinds.text", "import numpy as np"),
        ("sound.wav", "from captcha_stateless.kinds.text import Text"),
        ("sound.speaker", "import captcha"),
        ("pool", "from captcha_stateless.settings import Settings"),
        ("protocols.audio", "from captcha_stateless.protocols.minicap import TRIES"),
        ("replay.memory", "from PIL import Image"),
        ("engine", "from jwcrypto import jwe"),
        ("seal", "from captcha_stateless.replay.memory import MemoryReplay"),
    ],
)
def test_a_planted_violation_is_found(module: str, planted: str) -> None:
    assert list(violations(module, planted)) != []
