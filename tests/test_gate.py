"""No adapter goes past the gate, as its code says."""

import ast
from pathlib import Path

import captcha_stateless
from captcha_stateless.protocols import PROTOCOLS
from tests.support import Server
from tests.test_doors import DOORS, claims_of, walk

#: What an adapter asks the gate for, never the engine.
GATED = {"issue", "play", "redeem", "revoke", "vouch"}


#: Who may: a back end with its secret, and the playground's sheet of samples, which nobody answers.
UNGATED = {("restcaptcha", "redeem"), ("demo", "issue")}


def ungated(source: str) -> set[str]:
    """Name the gated verbs that a module calls on an engine or its passes."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute)
        and (
            ast.unparse(call.value).endswith("devices")
            or (call.attr in GATED and ast.unparse(call.value).endswith(("engine", "judge", "passes")))
        )
    }


def asks_the_gate(source: str) -> bool:
    """Tell whether a module asks the gate for challenges."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    asked = {ast.unparse(call) for call in calls}
    return bool(asked & {"self.ask", "self.gate.issue", "self.gate.issue_policed", "self.gate.first"})


def test_every_adapter_that_draws_has_its_doors_here(server: Server) -> None:
    folder = Path(captcha_stateless.__file__).parent / "protocols"
    drawing = {path.stem for path in folder.glob("*.py") if asks_the_gate(path.read_text(encoding="utf-8"))}

    assert {adapter.name for adapter in PROTOCOLS if adapter.draws} == drawing - {"base"}
    assert drawing - {"base"} == {claims_of(server, walk(server, door)).purpose for door in DOORS}


def test_no_adapter_goes_past_the_gate() -> None:
    protocols = Path(captcha_stateless.__file__).parent / "protocols"
    past = {
        (path.stem, verb)
        for path in protocols.rglob("*.py")
        for verb in ungated(path.read_text(encoding="utf-8"))
    }

    assert past == UNGATED


def test_who_goes_past_the_gate_is_found() -> None:
    assert ungated("async def f(self):\n    await self.engine.judge.play(claims, answer)") == {"play"}
    assert ungated("engine.passes.vouch(claims)") == {"vouch"}
    assert ungated("self.engine.devices.recognise(token)") == {"recognise"}
