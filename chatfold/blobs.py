"""Files in an object storage, by what is in them: the same bytes are written once.

A key is `TENANT/AB/SHA256`, AB being the first two digits. The storage is a folder, or a bucket
by its URL: `s3://`, `gs://`, `az://`; what the clients of each need is read from the variables
that they usually use (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL` …).
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
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
from streams.ports import Unavailable

if TYPE_CHECKING:
    from obstore import Attributes
    from obstore.store import ClientConfig, RetryConfig

Store = LocalStore | S3Store | GCSStore | AzureStore

CALL_SECONDS: Final = 60.0
_SCHEMES: Final = ("s3", "gs", "az")
_RETRIES: "Final[RetryConfig]" = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
"""Short, as a job that fails is tried again anyway."""


class Blobs:
    """The files of all tenants in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, tenant: str, data: bytes, mime: str) -> str:
        """The key under which the bytes are kept from now on; raises `Unavailable`."""
        digest = await asyncio.to_thread(_sha256, data)
        key = f"{tenant}/{digest[:2]}/{digest}"
        try:
            async with asyncio.timeout(CALL_SECONDS):
                if not await self._is_there(key, len(data)):
                    await self._write(key, data, mime)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None
        return key

    async def get(self, key: str) -> bytes | None:
        """The file, None where there is none; raises `Unavailable`."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def link(self, key: str, life: timedelta) -> str:
        """A URL by which whoever has it can read the file for a while; raises `Unavailable`.

        In a folder that is the file itself, for those who can read the folder.
        """
        if isinstance(self._store, LocalStore):
            return (Path(str(self._store.prefix)) / key).absolute().as_uri()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await obstore.sign_async(self._store, "GET", key, life)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def _is_there(self, key: str, size: int) -> bool:
        """Whether the whole file is there: a crash of the machine can leave an empty one."""
        try:
            return (await obstore.head_async(self._store, key))["size"] == size
        except (NotFoundError, FileNotFoundError):
            return False

    async def _write(self, key: str, data: bytes, mime: str) -> None:
        if isinstance(self._store, LocalStore):  # a folder keeps no types; it replaces in one step
            await self._replace(key, data, {})
            return
        attributes: Attributes = {"Content-Type": mime, "Content-Disposition": "attachment"}
        try:
            await obstore.put_async(
                self._store,
                key,
                data,
                mode="create",
                use_multipart=False,
                attributes=attributes,
            )
        except (AlreadyExistsError, PreconditionError):
            return  # somebody was faster, with the same bytes
        except NotSupportedError:  # it is told so by AWS_CONDITIONAL_PUT=disabled
            await self._replace(key, data, attributes)

    async def _replace(self, key: str, data: bytes, attributes: "Attributes") -> None:
        store = self._store
        await obstore.put_async(store, key, data, use_multipart=False, attributes=attributes)


def opened(url: str | None, folder: Path, environment: Mapping[str, str] = os.environ) -> Blobs:
    """The storage at `url`, or in `folder` where none is named; raises `Refusal`."""
    parts = urlsplit(url or "")
    if parts.scheme in _SCHEMES and parts.netloc:
        return Blobs(_bucket(str(url), parts.scheme, environment))
    if parts.scheme not in {"", "file"} or (parts.scheme == "file" and parts.netloc):
        raise Refusal(f"CHATFOLD_MEDIA_URL: {url} is no folder, and none of s3://, gs://, az://")
    chosen = Path(unquote(parts.path)) if url else folder
    try:
        return Blobs(LocalStore(chosen.absolute(), mkdir=True))
    except (BaseError, OSError) as error:
        raise Refusal(f"CHATFOLD_MEDIA_URL: {chosen} cannot be used: {error}") from None


def _bucket(url: str, scheme: str, environment: Mapping[str, str]) -> Store:
    # Plain HTTP for those who name such an endpoint, as a MinIO of one's own.
    is_plain = environment.get("AWS_ENDPOINT_URL", "").startswith("http://")
    options: ClientConfig = {"timeout": timedelta(seconds=30), "allow_http": is_plain}
    try:
        match scheme:
            case "s3":
                return S3Store.from_url(url, client_options=options, retry_config=_RETRIES)
            case "gs":
                return GCSStore.from_url(url, client_options=options, retry_config=_RETRIES)
            case _:
                return AzureStore.from_url(url, client_options=options, retry_config=_RETRIES)
    except (BaseError, ValueError) as error:
        raise Refusal(f"CHATFOLD_MEDIA_URL: {url} cannot be used: {error}") from None


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the storage: {str(error) or type(error).__name__}"[:500])
