"""All of `chatfold`'s commands at once, for documents and tests."""

from typing import Final

from chatfold.cli.main import PARTS, built

app: Final = built(PARTS)
