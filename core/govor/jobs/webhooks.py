"""Delivers signed messages that jobs have ended to clients' webhooks, with repeated attempts.

Headers, signature and pauses follow version 1.0 of the Standard Webhooks specification.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from base64 import b64decode, b64encode
from concurrent.futures import Executor

from govor.errors import GovorError, InsufficientStorage, JobsUnavailable, ShuttingDown, UrlNotAllowed
from govor.jobs.storage.async_store import AsyncJobStore
from govor.jobs.storage.deliveries import Delivery
from govor.jobs.storage.store import JobStore
from govor.outbound.addresses import check_policy
from govor.outbound.client import post
from govor.settings import Settings

PARAM = "webhook_url"
PAUSES = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
"""Seconds before the second attempt, the third, and so on; after the last one, the message is dropped."""

BROKEN_SECONDS = 30.0
GONE = 410  # the receiver refuses further messages

log = logging.getLogger(__name__)


def check_allowed(settings: Settings) -> None:
    """Raise UrlNotAllowed if the operator does not allow webhooks."""
    check_policy(PARAM, settings.webhook_urls, offline=settings.offline)
    if not settings.webhook_secret:
        raise UrlNotAllowed(f"'{PARAM}' is not taken here: there is no webhook_secret.", param=PARAM)


def sign(secret: str, message: str, timestamp: int, body: str) -> dict[str, str]:
    """Return the headers that prove a body to a receiver with the same secret."""
    key = b64decode(secret.removeprefix("whsec_"))
    content = f"{message}.{timestamp}.{body}".encode()
    signature = b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


class Webhooks:
    """Sends due messages until it is closed; others wait in the data folder."""

    def __init__(self, settings: Settings, store: AsyncJobStore, lookups: Executor):
        """`lookups`: threads for the look-up of host names."""
        self._settings = settings
        self._store = store
        self._lookups = lookups
        self._arrival = asyncio.Event()
        self._task = asyncio.create_task(self._work(), name="webhooks")

    def wake(self) -> None:
        """Look for new messages."""
        self._arrival.set()

    async def close(self) -> None:
        """Stop; a message under way will be sent again."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            self._arrival.clear()
            try:
                due, soonest = await self._store.do(JobStore.due_deliveries, time.time())
                if due:
                    await asyncio.gather(*(self._send(delivery) for delivery in due))
                    continue
            except (JobsUnavailable, InsufficientStorage):
                soonest = time.time() + BROKEN_SECONDS
            except ShuttingDown:
                return
            except Exception:
                log.exception("Webhooks pause for %g s", BROKEN_SECONDS)
                soonest = time.time() + BROKEN_SECONDS
            try:
                async with asyncio.timeout(None if soonest is None else max(soonest - time.time(), 0.0)):
                    await self._arrival.wait()
            except TimeoutError:
                pass

    async def _send(self, delivery: Delivery) -> None:
        """Send a message once, and record the outcome."""
        status = 0
        try:
            status = await self._post(delivery)
            reason = f"status {status}"
        except GovorError as error:
            reason = str(error)
        except Exception as error:
            log.exception("Webhook %s cannot be sent", delivery.id)
            reason = type(error).__name__
        due: float | None = None
        if 200 <= status < 300:
            log.info("Webhook %s has arrived", delivery.id)
        elif status == GONE or delivery.attempts >= len(PAUSES):
            log.warning("Webhook %s is given up: %s", delivery.id, reason)
        else:
            due = time.time() + PAUSES[delivery.attempts]
            log.info("Webhook %s will be sent again: %s", delivery.id, reason)
        await self._store.do(JobStore.note_delivery, delivery.id, due)

    async def _post(self, delivery: Delivery) -> int:
        check_allowed(self._settings)  # the settings may have changed since the job was submitted
        headers = sign(self._settings.webhook_secret, delivery.id, int(time.time()), delivery.body)
        return await post(
            delivery.url,
            delivery.body.encode(),
            {"Content-Type": "application/json", **headers},
            private=self._settings.webhook_urls == "any",
            param=PARAM,
            threads=self._lookups,
        )
