"""What is in a log for ever can be read for ever: no published type changes its bytes."""

from enum import StrEnum

import pytest

from schemas import codec, content, envelope, inputs, job_failures, upcasting, work
from tests.support import golden

PUBLISHED = sorted(golden.published())
NEWEST = sorted(codec.TYPES)


def test_every_type_has_a_golden_file_and_every_golden_file_a_type():
    assert {file.stem for file in golden.FOLDER.glob("*.json")} == golden.published()


@pytest.mark.parametrize("name", NEWEST)
def test_a_record_is_written_as_it_was_when_its_type_was_published(name):
    assert envelope.encode(golden.examples()[name]) == golden.read(name)


@pytest.mark.parametrize("name", NEWEST)
def test_a_golden_record_reads_as_what_was_written(name):
    record = golden.read(name)
    read = envelope.decode(codec.TYPES, value=record.value, headers=record.headers)
    assert read == golden.examples()[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_value_keeps_its_bytes_when_it_is_read_and_written_again(name):
    kind = codec.TYPES[name] if name in codec.TYPES else upcasting.OLDER[name].old
    value = golden.read(name).value
    assert codec.dumps(codec.decode(kind, value)) == value


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_type_keeps_its_fields_their_types_and_their_defaults(name):
    assert golden.shape(name) == golden.published_shape(name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_version_reads_as_the_newest(name):
    record = golden.read(name)
    read = envelope.decode(codec.TYPES, value=record.value, headers=record.headers)
    assert read.data.type.partition(".")[0] == name.partition(".")[0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_field_that_the_type_does_not_know_is_refused(name):
    record = golden.read(name)
    value = codec.dumps(codec.loads(record.value) | {"surprise": 1})
    with pytest.raises(codec.Undecodable, match="surprise"):
        envelope.decode(codec.TYPES, value=value, headers=record.headers)


def test_words_of_closed_sets_are_only_added_and_only_at_the_end():
    # A word that is gone makes old records unreadable; the order is in the decider's snapshots.
    assert golden.words() == golden.published_words()


def test_every_closed_set_of_the_schemas_is_kept():
    found = {
        one.__name__
        for module in (content, inputs, work, job_failures)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, StrEnum) and one is not StrEnum
    }
    assert found == set(golden.words())
