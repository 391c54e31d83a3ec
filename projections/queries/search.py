"""Words in messages: in what was written, said, and found in files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from projections.queries.asking import Found, rows

if TYPE_CHECKING:
    from projections.queries.asking import Connection

LONGEST: Final = 500
"""Characters to look for; PostgreSQL takes no word of more than 2,046 bytes."""

CANDIDATES: Final = 5_000
"""So many of the latest messages that match are ranked."""

_BEGIN: Final = "\x02"
_END: Final = "\x03"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for, as people write it for a search engine, and where.

    What is None does not matter; `until` itself is left out.
    """

    words: str
    tenant: str | None = None
    chat_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


# A field is named if any of the words is in it: all of them may be in several fields together.
# What only says which words must not be there is no search: its `querytree` is T.
_SEARCH: Final = f"""
WITH asked AS (
    SELECT q AS whole, regexp_replace(querytree(q), ' (&|<(-|[0-9]+)>) ', ' | ', 'g')::tsquery
        AS any_of
    FROM websearch_to_tsquery('simple', $1) q),
candidates AS (
    SELECT m.message_id, m.search, m.created_at, asked.whole, asked.any_of
    FROM messages m CROSS JOIN asked
    WHERE m.search @@ websearch_to_tsquery('simple', $1)
      AND (SELECT querytree(a.whole) <> 'T' FROM asked a)
      AND m.deleted_at IS NULL
      AND ($2::text IS NULL OR m.tenant_id = $2)
      AND ($3::uuid IS NULL OR m.chat_id IN (SELECT merged_chats(surviving_chat($3))))
      AND ($4::timestamptz IS NULL OR m.created_at >= $4)
      AND ($5::timestamptz IS NULL OR m.created_at < $5)
    ORDER BY m.created_at DESC LIMIT {CANDIDATES}),
best AS (
    SELECT c.message_id, c.whole, c.any_of, ts_rank(c.search, c.whole, 1) AS rank
    FROM candidates c ORDER BY rank DESC, c.created_at DESC, c.message_id DESC LIMIT $6)
SELECT m.message_id::text, m.tenant_id, m.chat_id::text, c.platform::text, c.platform_user_id,
       c.phone_e164, c.username, c.first_name, c.last_name, m.origin::text, m.kind::text,
       m.created_at, b.rank, f.fields, f.snippets
FROM best b JOIN messages m USING (message_id) LEFT JOIN chats c ON c.chat_id = m.chat_id
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(w.field ORDER BY w.place), '{{}}') AS fields,
           coalesce(array_agg(
               ts_headline(
                   'simple', w.words,
                   CASE WHEN to_tsvector('simple', w.words) @@ b.whole
                        THEN b.whole ELSE b.any_of END,
                   'StartSel="{_BEGIN}", StopSel="{_END}", MaxFragments=2, MaxWords=24,'
                   ' MinWords=10, ShortWord=0, FragmentDelimiter=" … "')
               ORDER BY w.place), '{{}}') AS snippets
    FROM (SELECT v.place, v.field, translate(left(v.words, 130000), '{_BEGIN}{_END}', '') AS words
          FROM (VALUES (1, 'text', m.text_content), (2, 'caption', m.media_caption),
                       (3, 'file_name', m.media_description), (4, 'transcript', m.media_transcript),
                       (5, 'image_description', m.image_description),
                       (6, 'extracted', m.extracted_media_content)) v (place, field, words)) w
    WHERE to_tsvector('simple', w.words) @@ b.any_of) f
ORDER BY b.rank DESC, m.created_at DESC, m.message_id DESC
"""  # noqa: S608  # of constants


async def search(connection: "Connection", sought: Sought, *, limit: int) -> list[Found]:
    """Messages that hold the words, the best first, with the fields that hold them.

    Each field in `found` has a `snippet` of it in parts, of which some match.
    """
    values = (
        sought.words[:LONGEST],
        sought.tenant,
        UUID(sought.chat_id) if sought.chat_id else None,
        sought.since,
        sought.until,
        limit,
    )
    return [_told(row) for row in await rows(connection, _SEARCH, *values)]


def _told(row: Found) -> Found:
    fields, snippets = cast(list[str], row.pop("fields")), cast(list[str], row.pop("snippets"))
    found = [
        {"field": field, "snippet": list(parts(snippet))}
        for field, snippet in zip(fields, snippets, strict=True)
    ]
    return row | {"found": found}


def parts(headline: str) -> Iterator[Found]:
    """A headline as texts in a row, of which every second is a match."""
    for number, piece in enumerate(headline.replace(_END, _BEGIN).split(_BEGIN)):
        if piece:
            yield {"text": piece, "is_match": number % 2 == 1}
