"""Objects by key, in a folder or a bucket: `s3://`, `gs://`, `az://`.

What the clients of each need is read from the variables that they usually use
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` …).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    NotSupportedError,
    PreconditionError,
)
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store

from chatfold.refusal import Refusal

if TYPE_CHECKING:
    from obstore.store import ClientConfig

Store = LocalStore | S3Store | GCSStore | AzureStore

CALL_SECONDS: Final = 120.0
SCHEMES: Final = ("s3", "gs", "az")
_MISSING: Final = (NotFoundError, FileNotFoundError)
_TAKEN: Final = (AlreadyExistsError, PreconditionError)


class StorageUnavailable(Exception):
    """The storage cannot be reached or gave up; the outcome of a write is not known."""


class Taken(Exception):
    """There is an object of that key already."""


class Storage:
    """The objects below one place; a write replaces the whole object in one step."""

    def __init__(self, store: Store, where: str) -> None:
        self._store = store
        self.where = where
        """The place, for people."""

    @property
    def folder(self) -> Path | None:
        """The folder, if it is one on this machine."""
        is_local = isinstance(self._store, LocalStore)
        return Path(str(self._store.prefix)) if is_local else None

    async def put(self, key: str, data: bytes) -> None:
        """Have `data` under `key` from now on; raises `StorageUnavailable`."""
        async with _calling():
            await obstore.put_async(self._store, key, data, use_multipart=False)
        await self._make_lasting(key)

    async def create(self, key: str, data: bytes) -> None:
        """The same, but raises `Taken` if somebody else has written it, also meanwhile."""
        async with _calling():
            try:
                await obstore.put_async(self._store, key, data, mode="create", use_multipart=False)
            except _TAKEN:
                raise Taken(key) from None
            except NotSupportedError:  # it is told so by AWS_CONDITIONAL_PUT=disabled
                await self._create_unguarded(key, data)
        await self._make_lasting(key)

    async def get(self, key: str) -> bytes | None:
        """The object, None where there is none; raises `StorageUnavailable`."""
        async with _calling():
            try:
                found = await obstore.get_async(self._store, key)
                return (await found.bytes_async()).to_bytes()
            except _MISSING:
                return None

    async def keys(self, prefix: str, after: str | None = None) -> list[str]:
        """The keys below `prefix`, in order, those beyond `after`; raises `StorageUnavailable`."""
        async with _calling():
            found = obstore.list(self._store, prefix, offset=after, chunk_size=1000)
            return sorted([one["path"] async for chunk in found for one in chunk])

    async def delete(self, key: str) -> None:
        """Have nothing under `key` from now on; raises `StorageUnavailable`."""
        async with _calling():
            try:
                await obstore.delete_async(self._store, key)
            except _MISSING:
                return

    async def _create_unguarded(self, key: str, data: bytes) -> None:
        if await self.get(key) is not None:
            raise Taken(key)
        await obstore.put_async(self._store, key, data, use_multipart=False)

    async def _make_lasting(self, key: str) -> None:
        """Folders keep what was written through a power cut only if they are told to."""
        if self.folder is not None:
            await asyncio.to_thread(_sync, self.folder / key)


@asynccontextmanager
async def _calling() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            yield
    except (BaseError, OSError) as error:
        first = (str(error) or type(error).__name__).partition("\n")[0]
        raise StorageUnavailable(first[:500]) from error


def _sync(file: Path) -> None:
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def opened(
    url: str | None,
    folder: Path,
    *,
    named_by: str,
    environment: Mapping[str, str] = os.environ,
) -> Storage:
    """The storage at `url`, or in `folder` where none is named; raises `Refusal`."""
    parts = urlsplit(url or "")
    if url and parts.scheme in SCHEMES and parts.netloc:
        return Storage(_bucket(url, parts.scheme, named_by, environment), url)
    if parts.scheme not in {"", "file"} or (parts.scheme == "file" and parts.netloc):
        raise Refusal(f"{named_by}: {url} is no folder, and none of s3://, gs://, az://")
    chosen = Path(unquote(parts.path) if parts.scheme else url) if url else folder
    try:
        return Storage(LocalStore(chosen.absolute(), mkdir=True), str(chosen))
    except (BaseError, OSError) as error:
        raise Refusal(f"{named_by}: {chosen} cannot be used: {error}") from None


def _bucket(url: str, scheme: str, named_by: str, environment: Mapping[str, str]) -> Store:
    # Plain HTTP for those who name such an endpoint, as a MinIO of one's own.
    is_plain = environment.get("AWS_ENDPOINT_URL", "").startswith("http://")
    options: ClientConfig = {"timeout": timedelta(seconds=60), "allow_http": is_plain}
    kinds: dict[str, Callable[..., Store]] = {
        "s3": S3Store.from_url,
        "gs": GCSStore.from_url,
        "az": AzureStore.from_url,
    }
    try:
        return kinds[scheme](url, client_options=options)
    except (BaseError, ValueError) as error:
        raise Refusal(f"{named_by}: {url} cannot be used: {error}") from None
