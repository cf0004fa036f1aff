"""Name resolution inside the crawler: addresses that must not be connected to are taken out of every answer."""

from __future__ import annotations

from typing import Any

from scrapy.resolver import CachingHostnameResolver
from twisted.internet.interfaces import IResolutionReceiver
from zope.interface import implementer

from corpuskit.sources.crawl.addresses import refusal

refused: dict[str, str] = {}
"""Host name → why its address was refused, for those whose every address was."""


class GuardedResolver(CachingHostnameResolver):
    """Scrapy's caching resolver; Twisted connects to the very addresses that it passes on."""

    def resolveHostName(self, resolutionReceiver: Any, hostName: str, *args: Any, **kwargs: Any) -> Any:
        return super().resolveHostName(_Guard(resolutionReceiver, hostName), hostName, *args, **kwargs)


@implementer(IResolutionReceiver)
class _Guard:
    def __init__(self, receiver: Any, host: str):
        self._receiver = receiver
        self._host = host
        self._passed = False
        self._reason = ""

    def resolutionBegan(self, resolution: Any) -> None:
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:
        reason = refusal(address.host)
        if reason:
            self._reason = reason
        else:
            self._passed = True
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        if self._reason and not self._passed:
            refused[self._host] = self._reason
        else:
            refused.pop(self._host, None)
        self._receiver.resolutionComplete()
