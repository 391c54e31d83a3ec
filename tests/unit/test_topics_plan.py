"""What is wrong with a deployment's topics is told with its remedy."""

from dataclasses import replace

from chatfold import topics
from chatfold.settings import Settings
from schemas.topics import TopicSpec

WANTED = topics.plan(Settings(_env_file=None))


def as_wanted(spec: TopicSpec) -> topics.TopicState:
    return topics.TopicState(
        name=spec.name,
        partitions=WANTED.partitions,
        replicas=1,
        config=spec.config,
        overrides=spec.config,
    )


RIGHT = {spec.name: as_wanted(spec) for spec in WANTED.specs}


def test_topics_that_are_as_they_should_be_have_no_problem():
    assert topics.compare(WANTED, RIGHT) == []


def test_every_missing_topic_is_named_and_one_sentence_tells_the_remedy():
    problems = topics.compare(WANTED, {})
    assert [problem.topic for problem in problems] == [spec.name for spec in WANTED.specs]
    (sentence,) = topics.sentences(problems)
    assert "chatfold.inbox.v1 is missing, and 8 more like it" in sentence
    assert "chatfold topics apply" in sentence


def test_a_wrong_partition_count_names_the_setting_that_fits():
    wrong = {name: replace(state, partitions=7) for name, state in RIGHT.items()}
    (sentence,) = topics.sentences(topics.compare(WANTED, wrong))
    assert "has 7 partitions, not 4" in sentence
    assert "CHATFOLD_PARTITIONS=7" in sentence


def test_events_that_would_expire_are_a_problem():
    name = "chatfold.events.v1"
    short = replace(RIGHT[name], config=RIGHT[name].config | {"retention.ms": "604800000"})
    (problem,) = topics.compare(WANTED, RIGHT | {name: short})
    assert problem.what == f"topic {name} has retention.ms=604800000, not -1"
