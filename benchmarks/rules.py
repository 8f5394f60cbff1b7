"""What deciding about a visit costs by the number of rules: CPU time, the best of several rounds. `benchmarks/rules.py`."""

import time
from pathlib import Path
from typing import Any

from captcha_stateless.wall import Rules, Visit, rules

ROUNDS, VISITS = 9, 2_000
BROWSER = {
    "host": "shop.example",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "accept": "text/html,application/xhtml+xml",
    "accept-language": "de,en;q=0.5",
    "cookie": "session=1",
}
#: Ten rules of every sort, none of which holds for the visits below; {0} makes them different.
SORTS: list[dict[str, Any]] = [
    {"action": "deny", "path": "/admin{0}/**"},
    {"action": "allow", "path": "/static{0}/*.css"},
    {"action": "deny", "user_agent": "Bot{0}"},
    {"action": "deny", "network": "198.51.{0}.0/24"},
    {"action": "ask", "method": "POST", "path": "/api{0}/**"},
    {"action": "allow", "header": "x-partner-{0}"},
    {"action": "allow", "path": ["/**/a{0}*b/*.png", "/q{0}/**"], "method": "GET"},
    {"action": "weigh", "weight": 1, "no_header": ["accept", "cookie"], "path": "/x{0}"},
    {"action": "ask", "country": "DE", "asn": "{0}"},
    {"action": "deny", "path": ["/l{0}/login", "/**/*.bak{0}"]},
]
PATHS = {
    "plain": "/some/plain/path/of-a-page.html",
    "encoded": "/caf%C3%A9/au%20lait",
    "odd": "/some//path/%2e%2e/of-a-page",
}


def made(count: int) -> Rules:
    def filled(value: Any, number: int) -> Any:
        if isinstance(value, list):
            return [filled(each, number) for each in value]
        return value.format(number) if isinstance(value, str) else value

    entries = [
        {name: filled(value, number) for name, value in SORTS[number % len(SORTS)].items()}
        for number in range(1, count + 1)
    ]
    return rules.parse("benchmark", entries, Path())


def cost(found: Rules, path: str) -> float:
    visit = Visit(
        method="GET",
        scheme="https",
        host="shop.example",
        path=path,
        query="",
        address="203.0.113.9",
        headers=BROWSER,
        country="AT",
        asn="64500",
    )
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(VISITS):
            found.decide(visit)
        best = min(best, time.process_time() - began)
    return best / VISITS * 1e6


def main() -> None:
    for count in (0, 10, 100):
        found = made(count)
        shown = ", ".join(f"{cost(found, path):.1f} µs ({name} path)" for name, path in PATHS.items())
        print(f"{count:>3} rules: {shown}")


if __name__ == "__main__":
    main()
