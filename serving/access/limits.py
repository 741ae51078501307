"""How many texts a caller may send. In: a principal. Out: nothing, or 429 with the time to wait.

A moving window of a minute, counted in this process: behind a balancer each replica counts for itself.
"""

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from serving.access.principal import Principal
from serving.errors import ServiceError


class TextLimits:
    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, principal: Principal, texts: int) -> None:
        """Count texts against the caller's limit. Raises ServiceError `rate_limited`; then none is counted."""
        most = principal.texts_per_minute
        if most is None:
            return
        if texts > most or not self._limiter.hit(RateLimitItemPerMinute(most), principal.id, cost=texts):
            wait = 60 if texts > most else self._seconds_to_wait(most, principal)
            raise ServiceError(
                "rate_limited",
                f"this key may send {most} texts a minute; found {texts} more; wait and send them again",
                f"该密钥每分钟最多提交 {most} 条文本，请稍后重试",
                {"Retry-After": str(wait)},
            )

    def _seconds_to_wait(self, most: int, principal: Principal) -> int:
        window = self._limiter.get_window_stats(RateLimitItemPerMinute(most), principal.id)
        return max(1, round(window.reset_time - time.time()))
