"""What the tables tell of files and models, and what is found in them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from chatfold import database
from chatfold.demo import script
from chatfold.demo.stage import Stage, output_of
from schemas import codec

SOUGHT: Final = MappingProxyType(
    {
        "zucchini": "transcript",
        "marmalade": "extracted",
        "lighthouse": "image_description",
        "pier": "caption",
    }
)
"""Words, and where they are: said in a voice note, written in a PDF, seen, below a picture."""


async def counts(stage: Stage) -> dict[str, int]:
    """Files, what was found in them, and what models did."""
    schema = database.quoted(stage.settings.database_schema)
    connection = await database.connect(stage.settings.database)
    try:
        row = await connection.fetchrow(
            f"""
            SELECT (SELECT count(*) FROM {schema}.processing_jobs
                    WHERE kind = 'store' AND status = 'succeeded') AS files_stored,
                   count(media_transcript) AS transcribed,
                   count(extracted_media_content) AS documents_read,
                   count(image_description) AS pictures_described,
                   count(*) FILTER (WHERE handler = 'assistant') AS ai_replies,
                   (SELECT count(conversation_summary) FROM {schema}.conversations) AS summaries,
                   (SELECT count(*) FROM {schema}.processed_events
                    WHERE action_taken = 'paused') AS takeovers
            FROM {schema}.messages
            """  # noqa: S608  # a checked name
        )
        return dict(row or {})
    finally:
        await connection.close()


async def jobs(stage: Stage) -> dict[str, int]:
    """How many jobs there are of each status."""
    schema = database.quoted(stage.settings.database_schema)
    connection = await database.connect(stage.settings.database)
    try:
        rows = await connection.fetch(
            f"SELECT status::text, count(*) AS jobs FROM {schema}.processing_jobs GROUP BY 1"  # noqa: S608  # a checked name
        )
        return {str(row["status"]): int(row["jobs"]) for row in rows}
    finally:
        await connection.close()


async def paid(stage: Stage) -> tuple[int, float]:
    """The tokens that models were asked for, and what they cost in US dollars."""
    schema = database.quoted(stage.settings.database_schema)
    connection = await database.connect(stage.settings.database)
    try:
        row = await connection.fetchrow(
            f"""
            SELECT coalesce(sum(coalesce(tokens_in, 0) + coalesce(tokens_out, 0)), 0) AS tokens,
                   coalesce(sum(cost_micros), 0) AS micros
            FROM {schema}.model_calls WHERE NOT reused
            """  # noqa: S608  # a checked name
        )
        return (int(row["tokens"]), int(row["micros"]) / 1_000_000) if row else (0, 0.0)
    finally:
        await connection.close()


async def lost_files(stage: Stage) -> list[str]:
    """Files that the tables name and the folder lacks."""
    schema = database.quoted(stage.settings.database_schema)
    connection = await database.connect(stage.settings.database)
    try:
        rows = await connection.fetch(
            f"""
            SELECT DISTINCT unnest(ARRAY[media_key, media_thumbnail_key]) AS key
            FROM {schema}.messages
            """  # noqa: S608  # a checked name
        )
    finally:
        await connection.close()
    folder = Path(str(stage.settings.media_url))
    keys = sorted(row["key"] for row in rows if row["key"])
    return [f"file {key}" for key in keys if not (folder / key).is_file()]


async def search(stage: Stage) -> dict[str, str]:
    """Where `chatfold search` finds each word."""
    words = " or ".join(SOUGHT)
    told = await output_of(stage, "search", words, "--tenant", script.ASSISTED, "--json")
    return found_in(codec.loads(told or b"[]"))


def found_in(told: object) -> dict[str, str]:
    """Where each word was found: where it is, or else where it also is."""
    found: dict[str, set[str]] = {}
    for word, field in _matches(told):
        found.setdefault(word, set()).add(field)
    return {
        word: place if place in found[word] else ", ".join(sorted(found[word]))
        for word, place in SOUGHT.items()
        if word in found
    }


def _matches(told: object) -> Iterator[tuple[str, str]]:
    for one in told if isinstance(told, list) else ():
        for field in one["found"]:
            for part in field["snippet"]:
                if part["is_match"]:
                    yield str(part["text"]).lower(), str(field["field"])


def unfound(found: Mapping[str, str]) -> list[str]:
    """What of the words was not found where it is."""
    return [
        f"search: {word} is in the {place}, and was found in {found.get(word) or 'nothing'}"
        for word, place in SOUGHT.items()
        if found.get(word) != place
    ]
