"""What readers are asked, and what they answer, over pipes; pure."""

from collections.abc import Callable
from typing import Final

import msgspec

from schemas.job_failures import JobFailureCode


class Task(msgspec.Struct, frozen=True, tag_field="task"):
    """Something to find out about the bytes that follow."""


class Thumbnail(Task, frozen=True, tag="thumbnail"):
    """A JPEG of at most `edge` points a side: of a picture, or of a document's first page."""

    is_document: bool
    edge: int


class Picture(Task, frozen=True, tag="picture"):
    """The picture as a JPEG of at most `edge` points a side."""

    edge: int


class ReadDocument(Task, frozen=True, tag="document"):
    """The text of each page, until `longest` characters are found."""

    longest: int


class Page(Task, frozen=True, tag="page"):
    """A page of a document as a JPEG of at most `edge` points a side."""

    number: int
    edge: int


class Jpeg(msgspec.Struct, frozen=True, tag="jpeg"):
    """A picture."""

    data: bytes


class Text(msgspec.Struct, frozen=True, tag="text"):
    """The text of each page; `unread` are those that show more than it."""

    texts: tuple[str, ...]
    unread: tuple[int, ...]
    pages: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Why nothing is to be found."""

    code: JobFailureCode
    detail: str


AnyTask = Thumbnail | Picture | ReadDocument | Page
Answer = Jpeg | Text | Refused

LENGTH: Final = 8
"""Bytes of the number before each part: a task and then a file one way, an answer the other."""

encode: Final = msgspec.msgpack.Encoder().encode
decode_task: Final[Callable[[bytes], AnyTask]] = msgspec.msgpack.Decoder(AnyTask).decode
decode_answer: Final[Callable[[bytes], Answer]] = msgspec.msgpack.Decoder(Answer).decode


def length(count: int) -> bytes:
    """The number of bytes that follow, as it is written."""
    return count.to_bytes(LENGTH)
