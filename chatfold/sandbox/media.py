"""Files that the sandbox's providers hold."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 64_000_000
_PIXEL: Final = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes and what they are."""

    data: bytes
    mime: str


DEFAULT: Final = File(_PIXEL, "image/png")


class Media:
    """Files by their id; one that nobody has put is a picture of one pixel."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def find(self, name: str) -> File:
        """The file of that id."""
        return self._files.get(name, DEFAULT)

    def put(self, name: str, file: File) -> None:
        """Keep a file; raises `ValueError` if there is no room."""
        others = sum(len(one.data) for key, one in self._files.items() if key != name)
        if others + len(file.data) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes of files")
        self._files[name] = file
