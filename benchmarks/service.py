"""A server to be measured: `python benchmarks/service.py fast|plain app|hello PORT`.

`plain` hides the packages of the extra `fast`, as if they were not installed; `hello` is the yardstick, a Starlette route
that says hello on uvicorn's own connections, where the app has the guarded ones of `serve`. Nothing else differs.
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
        for name in ("httptools", "uvloop", "isal", "pybase64"):
            sys.modules[name] = None  # type: ignore[assignment]  # importing it fails, as where it is missing
    app, connections = Starlette(routes=[Route("/", hello, methods=["GET", "POST"])]), "auto"
    if what == "app":
        from captcha_stateless import create_app

        app = create_app()
        connections = (
            f"captcha_stateless.http.connections.{'h11' if extra == 'plain' else 'httptools'}:Protocol"
        )
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        http=connections,  # type: ignore[arg-type]  # a class by its name, as `serve` gives it
        proxy_headers=what == "hello",  # `serve` leaves them to the application
        log_level="error",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
