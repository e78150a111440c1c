"""The one place that waits: for a condition, never for a time to pass."""

import time

POLL_SECONDS = 0.02


class NotInTime(AssertionError):
    """A condition did not come true within its bound."""


def wait_until(what, seconds, condition):
    """The first true result of condition(), which is tried again for `seconds`; else NotInTime."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise NotInTime(f"not within {seconds} s: {what}")
        time.sleep(POLL_SECONDS)
