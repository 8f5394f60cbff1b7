"""The architecture as tables: which room lies above which, what each may see, and where each library lives."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "captcha_stateless"
ROOT = Path(__file__).parent.parent / PACKAGE

# From the bottom up. A name stands for the module, or for the package and what is in it.
FLOORS = [
    ["errors", "seeded"],
    ["model", "stores", "threads"],
    ["render", "settings", "sound", "tokens"],
    ["puzzles", "telemetry"],
    ["formats", "kinds", "replay", "risk"],
    ["wall"],
    ["sites"],
    ["agents", "devices", "judge", "passes"],
    ["engine"],
    ["gate"],
    ["http", "client"],
    ["protocols"],
    ["app", "integrations"],
    ["testing"],
    ["cli"],
    ["__main__", "__init__"],
]
# Floors within a package, where its modules build on each other; elsewhere siblings may import only their base.
INNER_FLOORS: dict[str, list[list[str]]] = {
    "agents": [["base", "directory"], ["signatures"], ["pinned"], ["__init__"]],
    "cli": [["base", "pinning"], ["doctor_checks"], ["*"], ["__init__"]],
    "devices": [["issuers"], ["__init__"]],
    "http": [
        ["accept"],
        [
            "admission",
            "bodies",
            "dataurl",
            "languages",
            "markup",
            "navigation",
            "origin",
            "problem_details",
            "proxies",
            "public_url",
            "query",
            "ranges",
        ],
        ["access_log", "connections", "endpoint", "forwarded", "replies", "routing", "signals", "unrouted"],
        ["lifespan", "response_headers"],
        ["__init__"],
    ],
    "client": [["connections", "verdict"], ["jwks"], ["client"], ["__init__"]],
    "formats": [["strict"], ["*"], ["__init__"]],
    "http.connections": [["guarded"], ["*"], ["__init__"]],
    "integrations": [["*"], ["__init__"]],
    "kinds": [
        ["batch", "lookalikes", "stages"],
        ["base", "profiles"],
        ["renderer", "spoken"],
        ["*"],
        ["__init__"],
    ],
    "protocols": [["base"], ["scripts"], ["wall_way"], ["nojs_pages", "wall_pages"], ["*"], ["__init__"]],
    "puzzles": [["base", "derive"], ["*"], ["__init__"]],
    "render": [
        ["_fused"],
        ["chance", "checks", "compiled", "deflate", "inks", "typefaces", "sheet"],
        ["families", "png"],
        ["atlas", "colours", "looks", "plane"],
        ["bed"],
        ["drawing"],
        ["warp"],
        ["crowd", "small"],
        ["clutter"],
        ["tiles", "lines"],
        ["__init__"],
    ],
    "replay": [
        ["base", "bloom", "breaker", "lua", "shares", "window"],
        ["locks", "redis_keys"],
        ["arena", "redis_calls"],
        ["*"],
        ["factory"],
        ["__init__"],
    ],
    "risk": [["asking", "counters", "networks"], ["dnsbl", "rates"], ["assess"], ["__init__"]],
    "settings": [["extras", "reload", "sources", "spelling"], ["values"], ["table"], ["__init__"]],
    "sites": [
        ["difficulty", "terms", "testkeys"],
        ["policy"],
        ["site"],
        ["checks", "file", "guard"],
        ["__init__"],
    ],
    "stores": [["files", "url"], ["connect", "documents", "fetched"], ["__init__"]],
    "sound": [["wav"], ["room", "voices"], ["speaker"], ["__init__"]],
    "telemetry": [["events", "logs", "reading", "tracing"], ["metrics"], ["__init__"]],
    "wall": [["asked", "paths", "visit"], ["conditions", "crawlers"], ["rules"], ["*"], ["__init__"]],
    "tokens": [
        ["agentkeys", "base64url", "digests"],
        ["keys", "privatetokens"],
        ["passes", "seal"],
        ["__init__"],
    ],
}
# Of what lies below, some may see a part only: a kind hashes answers and never sees a token.
ONLY = {
    ("kinds", "tokens"): "tokens.digests",
    ("formats", "tokens"): "tokens.digests",
    ("replay", "tokens"): "tokens.digests",
    ("risk", "tokens"): "tokens.digests",
    ("sites", "tokens"): "tokens.digests",
    ("wall", "tokens"): "tokens.digests",
}
# What stands beside another on its floor, or above it in its package, and is imported on demand.
LATE = {
    "telemetry.events": {"telemetry.metrics"},  # behind an extra; it listens to events
}

HOMES = {
    "jwcrypto": {"tokens"},
    "cryptography": {"tokens"},
    "http_message_signatures": {"agents"},
    "http_sf": {"agents"},
    "msgpack": {"tokens"},
    "argon2": {"puzzles"},
    "dns": {"risk"},
    "starlette": {"app", "http", "integrations", "protocols", "telemetry"},
    "rjsmin": {"protocols"},
    "rcssmin": {"protocols"},
    "flask": {"integrations"},
    "django": {"integrations"},
    "httpx": {"client", "testing"},
    "pytest": {"testing"},
    "click": {"cli"},
    "prometheus_client": {"telemetry"},
    "uvicorn": {"cli", "http", "testing"},
    "opentelemetry": {"telemetry"},
    "werkzeug": {"http"},
    "h11": {"http"},
    "httptools": {"http"},
    "idna": {"settings"},
    "PIL": {"render"},
    "fontpkg": {"render"},
    "isal": {"render"},
    "pybase64": {"http"},
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
    return path.with_suffix(".py").exists() or path.with_suffix(".c").exists() or path.is_dir()


def allowed(module: str, target: str) -> bool:
    if target in LATE.get(module, set()):
        return True
    above, below = part(module), part(target)
    if not target.startswith(ONLY.get((above, below), "")):
        return False
    return inner(module, target) if above == below else floor(above) > floor(below)


def part(module: str) -> str:
    return module.partition(".")[0]


def floor(name: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if name in names)


def inner(module: str, target: str, package: str = "") -> bool:
    """Compare two modules of one package by its own floors; where both are in one package of it, by that one's."""
    package = f"{package}.{part(module)}".lstrip(".")
    above, below = module.partition(".")[2] or "__init__", target.partition(".")[2] or "__init__"
    if part(above) == part(below) and "." in f"{above}{below}":
        return inner(above, below, package)
    floors = INNER_FLOORS.get(package, [])
    return bool(floors) and place(floors, part(above)) > place(floors, part(below))


def place(floors: list[list[str]], name: str) -> int:
    known = name if any(name in names for names in floors) else "*"
    return next(number for number, names in enumerate(floors) if known in names)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield (name.removesuffix(".__init__") if name != "__init__" else name), path
