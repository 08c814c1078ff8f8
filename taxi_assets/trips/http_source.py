"""Months of a web site."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp
from fsspec.asyn import sync
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_fixed
from typing_extensions import override

from taxi_assets.addresses import shown
from taxi_assets.errors import SettingError, SourceUnavailableError
from taxi_assets.trips.file_source import FileSource, Info, fingerprint_of, reason_of
from taxi_assets.trips.months import month_range
from taxi_assets.trips.schema import Service

CONNECT_SECONDS = 30
SILENCE_SECONDS = 60
"""How long a server may take to answer a download, and to send the next bytes."""

HEADERS_SECONDS = 20
"""How long a server may take to answer without a body, all tries together: a sensor that looks has a minute in all."""

TRY_SECONDS = HEADERS_SECONDS / 2
"""How long one of several tries may take: a server that is silent at first has time for a second one."""

TRIES = 3
PAUSE_SECONDS = 1.0
"""Of many months, one is often refused for a moment."""

AT_ONCE = 16
"""Requests at the same time, as many as a server of others puts up with."""

ABSENT = {403, 404, 410}
"""What a site answers for a month that it does not have: the TLC's servers say 403."""

HEAD_REFUSED = {405, 501}

SERVER_ERROR = 500
"""The least status that says that the fault is the server's."""


class HttpSource(FileSource):
    """Months at `http(s)://` addresses. A site cannot be listed: each month is asked for with a HEAD."""

    def __init__(self, service: Service, templates: list[str], attempts: int) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        super().__init__(service, templates, attempts, {"client_kwargs": {"timeout": timeout, "trust_env": True}})

    @override
    def published(self, first: str, last: str, *, settled_seconds: float = 0) -> dict[str, str]:
        months = month_range(first, last)
        infos = sync(self._fs.loop, self._look, [self._addresses(month) for month in months])
        return {month: fingerprint_of(info) for month, info in zip(months, infos, strict=True) if info is not None}

    @override
    def _info(self, address: str) -> Info | None:
        with self._explained(address):
            info: Info | None = sync(self._fs.loop, self._headers, address, HEADERS_SECONDS)
        return info

    @override
    def _require_there(self) -> None:
        """A site that answered is there."""

    async def _look(self, places: Sequence[Sequence[str]]) -> list[Info | None]:
        """The first file that exists of each sequence of addresses; the first that cannot be asked for ends it all."""
        free = asyncio.Semaphore(AT_ONCE)

        async def first_of(addresses: Sequence[str]) -> Info | None:
            for address in addresses:
                async with free:
                    info = await self._headers_in_some_try(address)
                if info is not None:
                    return info
            return None

        return await _all_or_first_error([first_of(addresses) for addresses in places])

    async def _headers_in_some_try(self, address: str) -> Info | None:
        """As `_headers`, tried again after a fault that passes."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_fixed(PAUSE_SECONDS),
            retry=retry_if_exception(_passes),
            reraise=True,
        )
        with self._explained(address):
            async with asyncio.timeout(HEADERS_SECONDS):
                info: Info | None = await retrying(self._headers, address, TRY_SECONDS)
        return info

    async def _headers(self, address: str, seconds: float) -> Info | None:
        """What a server says of one file in its headers; None where it has none."""
        # fsspec's info() asks again with a GET whenever a HEAD fails or gives no size.
        session = await self._fs.set_session()
        for method in ("HEAD", "GET"):
            # Leaving the block closes the connection of a GET before its body is read.
            async with session.request(
                method,
                self._fs.encode_url(address),
                headers={"Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                if method == "HEAD" and response.status in HEAD_REFUSED:
                    continue
                if response.status in ABSENT:
                    return None
                response.raise_for_status()
                return _info_from(response.headers)
        raise AssertionError("a GET is always answered or refused")

    @override
    def _explain(self, error: Exception, address: str) -> Exception:
        if isinstance(error, ValueError):
            return SettingError(f"{shown(address)} is no address that can be asked. Check TAXI_TRIPS_URI.")
        if isinstance(error, aiohttp.ClientResponseError):
            reason = f"{error.status} {error.message}"
        elif isinstance(error, TimeoutError):
            reason = "no answer in time"
        elif isinstance(error, FileNotFoundError):
            reason = "it is gone"
        elif isinstance(error, (aiohttp.ClientError, OSError)):
            reason = reason_of(error)
        else:
            return error
        return SourceUnavailableError(f"{shown(address)} cannot be read: {reason}.")


def _passes(error: BaseException) -> bool:
    """Whether a request that failed may do better a moment later."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= SERVER_ERROR
    return isinstance(error, (aiohttp.ClientConnectionError, ConnectionError, TimeoutError))


async def _all_or_first_error(looks: Sequence[Coroutine[Any, Any, Info | None]]) -> list[Info | None]:
    tasks = [asyncio.ensure_future(look) for look in looks]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _info_from(headers: Any) -> Info:
    """The headers as fsspec names what they say. A size that counts compressed bytes is none."""
    info = {name: headers[name] for name in ("ETag", "Last-Modified") if headers.get(name)}
    plain = headers.get("Content-Encoding", "identity") in ("identity", "")
    size = headers.get("Content-Length") if plain else None
    return {**info, "size": None if size is None else int(size)}
