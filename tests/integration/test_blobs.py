"""Files in a folder and in S3: the same bytes once, links to read them, and what goes wrong."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import boto3
import pytest

from chatfold import blobs
from chatfold.blobs import Blobs
from chatfold.refusal import Refusal
from streams.ports import Unavailable
from tests.support import roles
from tests.support import s3 as s3_server

DATA = b"what is in the file"
KEY = f"acme/{sha256(DATA).hexdigest()[:2]}/{sha256(DATA).hexdigest()}"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 with a bucket `files`."""
    with s3_server.serving("files") as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return blobs.opened(None, tmp_path / "media")
    request.getfixturevalue("s3")
    return blobs.opened(f"s3://files/{tmp_path.name}", tmp_path)


async def test_a_file_is_found_by_what_is_in_it(store: Blobs) -> None:
    assert await store.get(KEY) is None
    assert await store.put("acme", DATA, "text/plain") == KEY
    assert await store.put("acme", DATA, "text/plain") == KEY
    assert await store.get(KEY) == DATA
    other = await store.put("globex", DATA, "text/plain")
    assert other == KEY.replace("acme", "globex")


async def test_a_file_of_some_size_is_kept_whole(store: Blobs) -> None:
    data = os.urandom(12_000_000)
    assert await store.get(await store.put("acme", data, "video/mp4")) == data


def versions(prefix: str) -> int:
    told = boto3.client("s3").list_object_versions(Bucket="files", Prefix=prefix)
    return len(told.get("Versions", []))


async def test_in_s3_the_same_bytes_are_written_once_and_are_no_page(s3: str) -> None:
    client = boto3.client("s3")
    client.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
    one, two = (blobs.opened("s3://files/once", Path()) for _ in range(2))
    await one.put("acme", DATA, "text/html")
    await two.put("acme", DATA, "text/html")
    await two._write(KEY, DATA, "text/html")  # as if both had looked before either wrote
    assert versions("once/") == 1
    told = client.head_object(Bucket="files", Key=f"once/{KEY}")
    assert (told["ContentType"], told["ContentDisposition"]) == ("text/html", "attachment")


async def test_in_a_folder_the_same_bytes_are_written_once_and_an_empty_file_is_mended(
    tmp_path: Path,
) -> None:
    store = blobs.opened(str(tmp_path / "media"), Path("unused"))
    file = tmp_path / "media" / await store.put("acme", DATA, "text/plain")
    before = file.stat().st_mtime_ns
    await store.put("acme", DATA, "text/plain")
    assert file.stat().st_mtime_ns == before
    file.write_bytes(b"")  # as a power cut leaves it
    await store.put("acme", DATA, "text/plain")
    assert file.read_bytes() == DATA


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


async def test_a_link_lets_whoever_has_it_read_one_file(s3: str, tmp_path: Path) -> None:
    store = blobs.opened("s3://files/linked", tmp_path)
    key = await store.put("acme", DATA, "text/plain")
    link = await store.link(key, HOUR)
    assert link.startswith(f"{s3}/files/linked/acme/")
    assert "X-Amz-Signature=" in link
    assert "s3cr3t" not in link
    assert read(link) == DATA
    local = blobs.opened(None, tmp_path / "media")
    assert read(await local.link(await local.put("acme", DATA, "text/plain"), HOUR)) == DATA


async def test_a_storage_that_is_away_or_refuses_is_unavailable(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = blobs.opened("s3://no-such-bucket", Path())
    with pytest.raises(Unavailable, match="storage"):
        await missing.put("acme", DATA, "text/plain")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{roles.free_port()}")
    away = blobs.opened("s3://files", Path())
    with pytest.raises(Unavailable, match="storage"):
        await away.put("acme", DATA, "text/plain")
    with pytest.raises(Unavailable, match="storage"):
        await away.get(KEY)


@pytest.mark.parametrize("url", ["ftp://host/x", "https://host/x", "file://host/x", "s3:///x"])
def test_what_is_no_storage_is_refused_with_what_would_be(url: str) -> None:
    with pytest.raises(Refusal, match="s3://, gs://, az://"):
        blobs.opened(url, Path())


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refusal, match="CHATFOLD_MEDIA_URL"):
        blobs.opened(str(tmp_path / "file" / "media"), Path())
