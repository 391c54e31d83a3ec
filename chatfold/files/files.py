"""Files as agents see them: each question goes to a reader."""

from typing import Final, assert_never

from chatfold.files import kinds
from chatfold.files.readers import Readers
from chatfold.files.tasks import (
    AnyTask,
    Jpeg,
    Page,
    Picture,
    ReadDocument,
    Refused,
    Text,
    Thumbnail,
)
from schemas.job_failures import JobFailureCode
from streams.media.texts import LONGEST_TEXT
from streams.ports import Document, Unreadable

THUMBNAIL_EDGE: Final = 320
MODEL_EDGE: Final = 1_600
"""Points a side: small print of a page stays legible, and models scale down what is larger."""


class Files:
    """Looks into files by way of readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def mime(self, data: bytes, told: str | None) -> str:
        """What the content is, whatever was told of it where it shows."""
        return kinds.mime_of(data, told)

    async def thumbnail(self, whose: str, data: bytes, mime: str) -> bytes | Unreadable:
        """A small JPEG of a picture, or of a document's first page."""
        task = Thumbnail(is_document=mime == "application/pdf", edge=THUMBNAIL_EDGE)
        return await self._picture(whose, task, data)

    async def picture(self, whose: str, data: bytes) -> bytes | Unreadable:
        """The picture as a JPEG that a model can look at."""
        return await self._picture(whose, Picture(edge=MODEL_EDGE), data)

    async def page(self, whose: str, data: bytes, number: int) -> bytes | Unreadable:
        """A page (from 0) as a JPEG that a model can look at."""
        return await self._picture(whose, Page(number=number, edge=MODEL_EDGE), data)

    async def document(self, whose: str, data: bytes) -> Document | Unreadable:
        """What is written in a PDF document."""
        answer = await self._readers.ask(whose, ReadDocument(longest=LONGEST_TEXT), data)
        match answer:
            case Text():
                return Document(answer.texts, answer.unread, answer.pages)
            case Refused():
                return Unreadable(answer.code, answer.detail)
            case Jpeg():
                return _senseless()
            case _:
                assert_never(answer)

    async def _picture(self, whose: str, task: AnyTask, data: bytes) -> bytes | Unreadable:
        answer = await self._readers.ask(whose, task, data)
        match answer:
            case Jpeg():
                return answer.data
            case Refused():
                return Unreadable(answer.code, answer.detail)
            case Text():
                return _senseless()
            case _:
                assert_never(answer)


def _senseless() -> Unreadable:
    return Unreadable(JobFailureCode.UNREADABLE, "a reader answered what was not asked")
