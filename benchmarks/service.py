"""A server to be measured: `python benchmarks/service.py fast|plain app|hello PORT`.

`plain` hides the packages of the extra `fast`, as if they were not installed; `hello` is the yardstick, a Starlette route
that says hello. Nothing else differs.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def main(extra: str, what: str, port: str) -> None:
    if extra == "plain":
        for name in ("httptools", "uvloop", "isal"):
            sys.modules[name] = None  # type: ignore[assignment]  # importing it fails, as where it is missing
    if what == "hello":
        app = Starlette(routes=[Route("/", hello, methods=["GET", "POST"])])
    else:
        from captcha_stateless import create_app

        app = create_app()
    uvicorn.run(
        app, host="127.0.0.1", port=int(port), log_level="error", access_log=False, server_header=False
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
