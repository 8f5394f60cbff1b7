"""Crawlers that are who they say: by the address lists that their operators publish, or by the DNS."""

from captcha_stateless.wall.visit import Visit


class Crawlers:
    """Tells which crawler a visitor verifiably is; made once."""

    async def crawler(self, visit: Visit) -> str:
        """Name the crawler that the visitor verifiably is; empty: none, or it cannot be told in time."""
        return ""
