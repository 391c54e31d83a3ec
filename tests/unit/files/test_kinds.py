"""What a file is, by its content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatfold.files.kinds import UNKNOWN, mime_of
from tests.support import made_files

FTYP = b"\x00\x00\x00\x18ftyp"


@pytest.mark.parametrize(
    ("data", "told", "mime"),
    [
        (made_files.voice(0.1), "audio/ogg; codecs=opus", "audio/ogg"),
        (made_files.voice(0.1), None, "audio/ogg"),
        (made_files.voice(0.1), "image/jpeg", "audio/ogg"),
        (b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x2a\x80theora", "audio/ogg", "video/ogg"),
        (FTYP + b"M4A \x00\x00", "video/mp4", "audio/mp4"),
        (FTYP + b"isom\x00\x00", "audio/mp4", "audio/mp4"),
        (FTYP + b"isom\x00\x00", None, "video/mp4"),
        (FTYP + b"3gp4\x00\x00", "audio/3gpp", "audio/3gpp"),
        (FTYP + b"qt  \x00\x00", "video/mp4", "video/quicktime"),
        (FTYP + b"heic\x00\x00", "image/jpeg", "image/heic"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86", "audio/webm;codecs=opus", "audio/webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86", None, "video/webm"),
        (b"#!AMR\n<", "audio/ogg", "audio/amr"),
        (b"ID3\x03\x00", "audio/mpeg", "audio/mpeg"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/x-wav", "audio/wav"),
        (b"\xff\xf1\x50\x80" + b"\x00" * 40, "audio/aac", "audio/aac"),
        (bytes(range(128, 220)), "audio/mpeg", "audio/mpeg"),
        (bytes(range(7, 99)) + b"\x00", "audio/ogg", UNKNOWN),
        (made_files.picture("PNG"), "application/pdf", "image/png"),
        (made_files.picture("JPEG"), None, "image/jpeg"),
        (made_files.picture("WEBP"), "image/png", "image/webp"),
        (made_files.picture("BMP"), None, "image/bmp"),
        (made_files.pdf("x"), "image/jpeg", "application/pdf"),
        (b"\x01\x02junk\x00before\n" + made_files.pdf("x"), None, "application/pdf"),
        (made_files.polyglot(), "application/pdf", "image/gif"),
        (b"PK\x03\x04rest", "application/vnd.android.package-archive",
         "application/vnd.android.package-archive"),
        (b"PK\x03\x04rest", "application/pdf", "application/zip"),
        (b"PK\x03\x04rest", None, "application/zip"),
        (b"\xd0\xcf\x11\xe0rest", "application/msword", "application/msword"),
        (b"<!DOCTYPE html><html>", "image/png", "text/html"),
        (b"MZ is how this letter begins", "text/plain", "text/plain"),
        ("Grüße".encode(), "text/csv", "text/csv"),
        (b"hello", "image/jpeg", "text/plain"),
        (b"hello", "text/html", "text/plain"),
        (b"\x00\x01\x02", "text/plain", UNKNOWN),
        (b"\x00\x01\x02", "application/x-odd", "application/x-odd"),
        (b"\x00\x01\x02", "image/jpeg", UNKNOWN),
        (b"\x00\x01\x02", "not a type", UNKNOWN),
        (b"\x00\x01\x02", None, UNKNOWN),
        (b"", None, UNKNOWN),
    ],
)  # fmt: skip
def test_the_content_tells_and_what_was_said_counts_where_it_is_silent(data, told, mime):
    assert mime_of(data, told) == mime


def test_a_text_that_is_cut_within_a_letter_is_a_text():
    assert mime_of(("x" * 65_535 + "ü" * 10).encode(), None) == "text/plain"


@given(st.binary(max_size=300), st.none() | st.text(max_size=30))
def test_there_is_always_a_type(data, told):
    assert mime_of(data, told).count("/") == 1
