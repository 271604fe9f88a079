"""Rate limits of tokens: a sliding window of one minute, kept in Redis, so that all services count together."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from pippin.store import keys
from pippin.store.client import Client, reaching


class Rates:
    """Counts requests. Thread-safe. In its own module, since only the service needs the library `limits`."""

    def __init__(self, client: Client) -> None:
        # Only the scheme of the address is used; connections come from the client, password and TLS included.
        storage = RedisStorage("redis://", connection_pool=client.connection_pool, key_prefix=keys.RATES)
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    def hit(self, token_id: str, per_minute: int) -> int:
        """Count one more request.

        Returns:
            0 if the request is allowed; else the seconds to wait before a retry, and the request is not counted.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        limit = RateLimitItemPerMinute(per_minute)
        with reaching():
            if self._limiter.hit(limit, token_id):
                return 0
            return max(1, math.ceil(self._limiter.get_window_stats(limit, token_id).reset_time - time.time()))
