"""Files as people send them, and as those do who mean harm; all made here."""

import io
import struct
import zlib
from base64 import b64encode

from PIL import Image, ImageDraw

MEGABYTE = 1_000_000


def voice(seconds: float = 1.0, serial: int = 1) -> bytes:
    """An Ogg file with Opus in it: silence, in packets of 20 ms."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 4) + b"made" + struct.pack("<I", 0)
    packets = int(seconds * 50)
    pages = [_ogg_page(serial, 0, 2, 0, [head]), _ogg_page(serial, 1, 0, 0, [tags])]
    for number, first in enumerate(range(0, packets, 50), start=2):
        count = min(50, packets - first)
        last = 4 if first + count == packets else 0
        position = (first + count) * 960
        pages.append(_ogg_page(serial, number, last, position, [b"\xf8\xff\xfe"] * count))
    return b"".join(pages)


def _ogg_page(serial: int, number: int, flags: int, position: int, packets: list[bytes]) -> bytes:
    sizes = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, position, serial, number, 0)
    page = head + bytes([len(sizes)]) + sizes + b"".join(packets)
    return page[:22] + struct.pack("<I", _ogg_sum(page)) + page[26:]


def _ogg_sum(page: bytes) -> int:
    found = 0
    for byte in page:
        found ^= byte << 24
        for _ in range(8):
            found = ((found << 1) ^ 0x04C11DB7 if found & 0x80000000 else found << 1) & 0xFFFFFFFF
    return found


def picture(
    kind: str = "PNG", *, width: int = 640, height: int = 480, colour: str = "red"
) -> bytes:
    drawn = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(drawn).ellipse((width // 4, height // 4, width // 2, height // 2), fill=colour)
    written = io.BytesIO()
    drawn.save(written, kind)
    return written.getvalue()


def png_bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A small file that says it is 2.5 thousand million points."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 4 * MEGABYTE, 9)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*one) for one in chunks)


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pdf(*pages: str | bytes | None, encrypted: bool = False) -> bytes:
    """A document: a text on a page, a JPEG that fills one, or None for an empty page."""
    objects: list[bytes] = []
    kids = []
    for page in pages:
        base = 3 + len(objects)
        objects += _page(page, base)
        kids.append(b"%d 0 R" % base)
    count = b"/Kids [" + b" ".join(kids) + b"] /Count %d" % len(kids)
    whole = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages " + count + b" >>", *objects]
    trailer = b""
    if encrypted:  # no password opens it, not even the empty one
        whole.append(_stranger())
        trailer = b"/Encrypt %d 0 R /ID [<00> <00>]" % len(whole)
    return _assembled(whole, trailer)


def _page(page: str | bytes | None, number: int) -> list[bytes]:
    uses = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    more: list[bytes] = []
    drawn = b""
    if isinstance(page, str):
        drawn = b"BT /F1 24 Tf 72 700 Td (" + page.encode("latin-1") + b") Tj ET"
    elif page is not None:
        with Image.open(io.BytesIO(page)) as opened:
            size = b"/Width %d /Height %d" % opened.size
        more = [
            b"<< /Type /XObject /Subtype /Image /ColorSpace /DeviceRGB /BitsPerComponent 8 "
            b"/Filter /DCTDecode " + size + b" /Length %d >>\nstream\n" % len(page)
            + page + b"\nendstream"
        ]  # fmt: skip
        uses = b"/XObject << /I %d 0 R >>" % (number + 2)
        drawn = b"q 612 0 0 792 0 0 cm /I Do Q"
    told = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R" % (number + 1)
    content = b"<< /Length %d >>\nstream\n" % len(drawn) + drawn + b"\nendstream"
    return [told + b" /Resources << " + uses + b" >> >>", content, *more]


def _stranger() -> bytes:
    words = b"/O <" + b"61" * 32 + b"> /U <" + b"62" * 32 + b"> /P -4"
    return b"<< /Filter /Standard /V 1 /R 2 " + words + b" >>"


def _assembled(objects: list[bytes], trailer: bytes) -> bytes:
    written, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj\n" % number + one + b"\nendobj\n"
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Root 1 0 R /Size %d " % (len(objects) + 1) + trailer
    return bytes(written + b" >>\nstartxref\n%d\n%%%%EOF\n" % table)


def scanned_pdf(*colours: str) -> bytes:
    """A document of pictures only."""
    return pdf(*(picture("JPEG", colour=colour) for colour in colours or ("black",)))


def polyglot() -> bytes:
    """A picture that is also a document, an archive and a page with a script."""
    script = b"/*<html><script>alert(1)</script>*/"
    return picture("GIF") + script + pdf("both") + b"PK\x05\x06" + b"\x00" * 18


def base64(data: bytes) -> str:
    return b64encode(data).decode()
