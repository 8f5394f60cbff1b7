"""The distribution's Firefox as Playwright starts it, over WebDriver BiDi: what this Firefox does not know yet is left out.

Playwright sets a colour scheme in every window, wanted or not, by a command that Firefox ESR lacks, and gives up without it.
Run as a program in Firefox's place, this starts it, and stands between the two.
"""

import asyncio
import json
import re
import shutil
import sys

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

LACKING = "emulation.setMediaFeaturesOverride"
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_LARGEST = 2**26


async def main() -> None:
    """Start Firefox, tell where to connect instead of it, and stay as long as it does."""
    firefox = await asyncio.create_subprocess_exec(
        shutil.which("firefox-esr") or "firefox",
        *sys.argv[1:],
        stderr=asyncio.subprocess.PIPE,
    )
    assert firefox.stderr is not None
    async for line in firefox.stderr:
        if found := _LISTENING.search(line.decode()):
            break
    else:
        raise SystemExit("Firefox did not start")

    async def between(playwright: ServerConnection) -> None:
        async with connect(f"{found[1]}/session", max_size=_LARGEST) as browser:
            back = asyncio.create_task(_pass_on(browser, playwright))
            async for message in playwright:
                command = json.loads(message)
                if command["method"] == LACKING:
                    await playwright.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
                else:
                    await browser.send(message)
            back.cancel()

    async with serve(between, "127.0.0.1", 0, max_size=_LARGEST) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        sys.stderr.write(f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n")
        sys.stderr.flush()
        async for _ in firefox.stderr:
            pass
        await firefox.wait()


async def _pass_on(source: ClientConnection, sink: ServerConnection) -> None:
    async for message in source:
        await sink.send(message)


if __name__ == "__main__":
    asyncio.run(main())
