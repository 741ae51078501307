"""Where messages may go. In: the setting `XIAOBAO_WEBHOOK_HOSTS`. Out: whether a URL's host is one of them.

Only what is written there is reached, letter for letter: a name, or an address if that very address is listed. So no
webhook can point the service at a neighbour in the bank's network, whatever form an address is written in.
"""

from collections.abc import Iterable

import httpx

from serving.errors import ServiceError

_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2000


class AllowedHosts:
    """`host` stands for the scheme's own port, `host:port` for that one."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(entry.strip().lower() for entry in entries)

    def allows(self, url: str) -> bool:
        """Whether messages may be sent to this URL."""
        if not _is_plain(url):
            return False
        try:
            parts = httpx.URL(url)  # read by the one that will connect
        except httpx.InvalidURL:
            return False
        if parts.scheme not in _PORTS or not parts.host or parts.userinfo:
            return False
        host = f"[{parts.host}]" if ":" in parts.host else parts.host
        names = {f"{host}:{parts.port or _PORTS[parts.scheme]}"}
        if parts.port is None:  # or the scheme's own, which httpx leaves out
            names.add(host)
        return not self._entries.isdisjoint(names)

    def check(self, url: str) -> None:
        """Raises ServiceError `webhook_host_refused`."""
        if not self.allows(url):
            raise ServiceError(
                "webhook_host_refused",
                "messages may not be sent to this URL; expected http:// or https:// and a host of "
                "XIAOBAO_WEBHOOK_HOSTS, without user or fragment",
                "不允许向该地址推送；应为 http:// 或 https:// 且主机在 XIAOBAO_WEBHOOK_HOSTS 之内",
            )


def _is_plain(url: str) -> bool:
    """Printable ASCII without a backslash, which some readers of URLs take for a slash."""
    return len(url) <= LONGEST_URL and url.isascii() and url.isprintable() and not set(url) & set(" \\#")
