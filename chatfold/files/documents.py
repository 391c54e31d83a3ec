"""PDF documents read and shown by PDFium, in a reader."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

from chatfold.files import pictures
from chatfold.files.tasks import Jpeg, Refused, Text
from schemas.job_failures import JobFailureCode

MOST_PAGES: Final = 2_000
SPARSE: Final = 8
"""A page with fewer letters than this shows its text otherwise, if it shows anything."""

_SHOWN: Final = (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING)


def read(data: bytes, longest: int) -> Text | Refused:
    """The text of each page, until `longest` characters are found."""
    opened = _opened(data)
    if isinstance(opened, Refused):
        return opened
    with closing(opened) as document:
        texts, unread, found = [], [], 0
        for number in range(min(len(document), MOST_PAGES)):
            with _page(document, number) as page:
                text = _text(page)
                if _shows_more(page, text):
                    unread.append(number)
            texts.append(text)
            found += len(text)
            if found > longest:
                break
        return Text(tuple(texts), tuple(unread), len(document))


def show(data: bytes, number: int, edge: int) -> Jpeg | Refused:
    """A page as a JPEG of at most `edge` points a side."""
    opened = _opened(data)
    if isinstance(opened, Refused):
        return opened
    with closing(opened) as document:
        if number >= len(document):
            return Refused(JobFailureCode.UNREADABLE, f"the document has no page {number + 1}")
        with _page(document, number) as page:
            return Jpeg(_drawn(page, edge))


def _opened(data: bytes) -> pypdfium2.PdfDocument | Refused:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
            return Refused(JobFailureCode.ENCRYPTED, "the document has a password")
        return Refused(JobFailureCode.UNREADABLE, f"not a document that can be opened: {error}")
    if not len(document):
        document.close()
        return Refused(JobFailureCode.EMPTY, "the document has no pages")
    return document


@contextmanager
def _page(document: pypdfium2.PdfDocument, number: int) -> Iterator[pypdfium2.PdfPage]:
    page = document[number]
    try:
        yield page
    finally:
        page.close()


def _text(page: pypdfium2.PdfPage) -> str:
    with closing(page.get_textpage()) as layer:
        return str(layer.get_text_bounded()).replace("\r\n", "\n").strip()


def _shows_more(page: pypdfium2.PdfPage, text: str) -> bool:
    """Whether there is something to see on a page that has next to no text."""
    if sum(map(str.isalnum, text)) >= SPARSE:
        return False
    return next(page.get_objects(filter=_SHOWN), None) is not None


def _drawn(page: pypdfium2.PdfPage, edge: int) -> bytes:
    width, height = page.get_size()
    scale = edge / max(width, height, 1.0)
    with closing(page.render(scale=scale)) as bitmap:
        return pictures.jpeg(bitmap.to_pil(), edge)
