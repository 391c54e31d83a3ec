"""What the demo's conversations with a model must come to."""

from chatfold.demo import assisted, enriched, script
from chatfold.demo.expected import Expected, expected
from schemas import identity
from schemas.content import Platform


def told() -> Expected:
    made = Expected()
    assisted.add_to(made)
    return made


def test_a_burst_is_answered_once_and_to_the_last_of_it():
    (talk,) = (one for one in assisted.talks() if one.name == "conversation")
    answered = sorted(reply[2][-1] for reply in told().replies if f"{talk.person}01" in reply[1])
    assert answered == ["1", "4", "5"]


def test_what_is_said_to_the_human_is_left_to_the_human():
    made = told()
    assert len(made.taken_over) == len(made.left_to_humans) == 1
    assert made.left_to_humans < made.messages


def test_each_file_is_found_out_about():
    assert told().found == {
        "files_stored": 3,
        "transcribed": 1,
        "documents_read": 1,
        "pictures_described": 1,
        "ai_replies": 5,
        "summaries": 1,
    }


def test_a_talk_is_had_at_the_account_of_its_tenant_alone():
    accounts = {item.account for one in assisted.webhooks() for item in script.items(one)}
    assert accounts == {script.ASSISTED_ACCOUNT}
    chats = {talk.chat_id for talk in assisted.talks()}
    known = {
        identity.chat_id(tenant=script.ASSISTED, platform=Platform.WHATSAPP, platform_user_id=user)
        for _, _, _, user in expected(assisted.webhooks()).messages
    }
    assert chats == known


def test_a_word_counts_only_where_it_is():
    told = [_found("marmalade", "text"), _found("marmalade", "extracted"), _found("Pier", "text")]
    found = enriched.found_in(told)
    assert found == {"marmalade": "extracted", "pier": "text"}
    assert [line.split()[1] for line in enriched.unfound(found)] == [
        "zucchini",
        "lighthouse",
        "pier",
    ]


def _found(word: str, field: str) -> dict:
    parts = [{"text": "two jars of ", "is_match": False}, {"text": word, "is_match": True}]
    return {"found": [{"field": field, "snippet": parts}]}
