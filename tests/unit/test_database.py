"""Which URLs are PostgreSQL's, and what asyncpg is given of them."""

import pytest

from chatfold import database


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql://u:p@h:5432/d"),
        ("postgres://u@h/d", "postgresql://u@h/d"),
        ("postgresql+asyncpg://u:p%40@h/d", "postgresql://u:p%40@h/d"),
        ("postgresql+asyncpg://h/d?prepared_statement_cache_size=0", "postgresql://h/d"),
        ("postgresql://h/d?sslmode=require&pgbouncer=true", "postgresql://h/d?sslmode=require"),
    ],
)
def test_every_spelling_of_a_postgresql_url_is_accepted(given: str, plain: str) -> None:
    assert database.plain_url(given) == plain


@pytest.mark.parametrize("given", ["mysql://h/d", "h:5432/d", ""])
def test_what_is_no_postgresql_url_is_refused_without_its_password(given: str) -> None:
    with pytest.raises(ValueError, match="not a PostgreSQL URL"):
        database.plain_url(given)


@pytest.mark.parametrize("name", ["", "Chatfold", "a b", 'x"; DROP', "1a", "a" * 64])
def test_a_schema_name_that_needs_quoting_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a schema name"):
        database.quoted(name)
