"""Pictures made small, in a reader; a picture that would fill the memory is refused unread."""

import io
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from chatfold.files.tasks import Jpeg, Refused
from schemas.job_failures import JobFailureCode

MOST_POINTS: Final = 64_000_000
"""More than cameras of phones take; a quarter of a gigabyte once it is unpacked."""

QUALITY: Final = 82
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""What is opened at all: the rest of Pillow's formats are seldom sent, and seldom tested."""


def small(data: bytes, edge: int) -> Jpeg | Refused:
    """The picture as a JPEG of at most `edge` points a side."""
    Image.MAX_IMAGE_PIXELS = None  # we count ourselves, before anything is unpacked
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_POINTS:
                detail = f"{picture.width} by {picture.height} points are more than are unpacked"
                return Refused(JobFailureCode.TOO_LARGE, detail)
            picture.draft("RGB", (edge, edge))
            return Jpeg(jpeg(ImageOps.exif_transpose(picture), edge))
    except UnidentifiedImageError:
        return Refused(JobFailureCode.UNSUPPORTED, "not a picture that can be opened here")
    except MemoryError:
        return Refused(JobFailureCode.TOO_LARGE, "the picture does not fit into memory")
    except Exception as error:  # noqa: BLE001  # Pillow raises whatever a broken file leads to
        return Refused(JobFailureCode.UNREADABLE, f"the picture is damaged: {error!r}")


def jpeg(picture: Image.Image, edge: int) -> bytes:
    """The picture as a JPEG on white, of at most `edge` points a side."""
    whole = picture.convert("RGBA") if picture.mode not in {"RGB", "RGBA", "L"} else picture
    whole.thumbnail((edge, edge))
    written = io.BytesIO()
    _opaque(whole).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
