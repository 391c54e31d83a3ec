"""What is sent to Whapi, and what its answers mean."""

import pytest

from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import Accepted, Fetched, Heard, Outgoing
from providers.whapi import PROVIDER
from providers.whapi.content import content_of
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import answer, bodies, drive

TOKEN = "Wh4p1-secret"
CREDENTIALS = {"api_token": TOKEN}
OK = answer(200, {"sent": True, "message": {"id": "OUT-wO4Twl0rVw", "status": "pending"}})
DONE = answer(200, {"success": True})
TARGET = "p.w30M7fgwWD4XwHu.g4CA-gBgTwl0rVw"
FILE_ID = "jpeg-b487668896662779cbdb29a3c29c0a9a-804713c25d2b57"
API = "https://gate.whapi.cloud"


def message(content=None, **changes):
    told = {
        "account": "MANTIS-1",
        "to": "4915112345678",
        "content": content or Content(kind=MessageKind.TEXT, text="hello"),
        "reply_to": None,
        "reference": "reply-1",
    }
    return Outgoing(**told | changes)


def sent(outgoing, response=OK):
    """Method, path and body of the request that sends it."""
    [request], result = drive(PROVIDER.send(outgoing, CREDENTIALS, None), response)
    assert isinstance(result, Accepted)
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    return request.method, request.url.removeprefix(API), bodies([request])[0]


def refused(content):
    requests, result = drive(PROVIDER.send(message(content), CREDENTIALS, None))
    assert requests == []
    assert result.code is FailureCode.CONTENT_REFUSED
    return result.detail


def answered(response):
    return drive(PROVIDER.send(message(), CREDENTIALS, None), response)[1]


def heard(**changes):
    told = {"account": "MANTIS-1", "platform_user_id": "49151", "platform_message_id": TARGET}
    return Heard(**told | changes)


def test_a_text_goes_to_the_phone_and_answers_a_message():
    assert sent(message(reply_to=TARGET)) == (
        "POST",
        "/messages/text",
        {"to": "4915112345678", "body": "hello", "no_link_preview": True, "quoted": TARGET},
    )


@pytest.mark.parametrize("reply_to", ["", "a/b", "..", "a b", "x" * 300])
def test_what_can_be_no_message_of_whapis_is_not_quoted(reply_to):
    assert "quoted" not in sent(message(reply_to=reply_to))[2]


@pytest.mark.parametrize("to", ["120363040468224422@g.us", "98765432109876@lid", "4915112345678"])
def test_groups_and_hidden_people_are_reached_by_their_whole_name(to):
    assert sent(message(to=to))[2]["to"] == to


@pytest.mark.parametrize(
    ("kind", "captioned"),
    [
        (MessageKind.IMAGE, True),
        (MessageKind.VIDEO, True),
        (MessageKind.DOCUMENT, True),
        (MessageKind.AUDIO, False),
        (MessageKind.VOICE, False),
        (MessageKind.STICKER, False),
    ],
)
def test_a_file_goes_by_its_id_or_address_and_has_a_caption_where_one_is_shown(kind, captioned):
    for reference in (FILE_ID, "https://example.com/f.png"):
        media = Media(reference=reference, mime="image/png", file_name="f.png")
        _, path, body = sent(message(Content(kind=kind, media=media, caption="look")))
        assert path == f"/messages/{kind}"
        assert (body["media"], body["mime_type"]) == (reference, "image/png")
        assert ("caption" in body) is captioned
        assert body.get("filename") == ("f.png" if kind is MessageKind.DOCUMENT else None)


def test_a_place_is_sent_with_its_name():
    told = {"latitude": 51.5, "longitude": -0.1, "name": "Home", "map_url": "https://maps"}
    _, path, body = sent(message(Content(kind=MessageKind.LOCATION, structured=told)))
    assert path == "/messages/location"
    assert body == {"to": "4915112345678", "latitude": 51.5, "longitude": -0.1, "name": "Home"}


def test_a_card_without_a_vcard_gets_one_that_reads_back_the_same():
    card = {
        "name": "Bob; the Builder",
        "phones": [{"phone": "+1 555-010-0202"}],
        "emails": [{"email": "bob@example.com"}],
        "organisation": "Engines, Ltd",
    }
    content = Content(kind=MessageKind.CONTACT, structured={"contacts": [card]})
    _, path, body = sent(message(content))
    assert path == "/messages/contact"
    back = content_of({"type": "contact", "contact": body}).structured["contacts"][0]
    assert back["name"] == "Bob; the Builder"
    assert back["phones"][0]["phone"] == "+1 555-010-0202"
    assert back["phones"][0]["whatsapp_id"] == "15550100202"
    assert back["emails"][0]["email"] == "bob@example.com"


def test_a_line_break_in_a_card_adds_no_line_to_it():
    card = {"name": "Bob\nTEL:+1900", "vcard": ""}
    content = Content(kind=MessageKind.CONTACT, structured={"contacts": [card]})
    assert "\nTEL" not in sent(message(content))[2]["vcard"]


def test_several_cards_are_one_message():
    cards = [{"name": "Bob", "vcard": "BEGIN:VCARD\nFN:Bob\nEND:VCARD"}, {"name": "Mary"}]
    content = Content(kind=MessageKind.CONTACT, structured={"contacts": cards})
    _, path, body = sent(message(content))
    assert path == "/messages/contact_list"
    assert [one["name"] for one in body["list"]] == ["Bob", "Mary"]
    assert body["list"][0]["vcard"] == cards[0]["vcard"]


@pytest.mark.parametrize(("emoji", "method"), [("👍", "PUT"), ("", "DELETE")])
def test_a_reaction_is_set_or_taken_back(emoji, method):
    told = {"target": TARGET, "emoji": emoji}
    content = Content(kind=MessageKind.REACTION, structured=told)
    assert sent(message(content), DONE)[:2] == (method, f"/messages/{TARGET}/reaction")


def test_a_reaction_to_no_message_of_whapis_is_refused():
    told = {"target": "../../settings", "emoji": "x"}
    assert "no target" in refused(Content(kind=MessageKind.REACTION, structured=told))


def test_a_file_that_has_no_id_yet_cannot_be_sent_on():
    media = Media(reference=f"message:{TARGET}")
    assert "no id" in refused(Content(kind=MessageKind.IMAGE, media=media))


def test_a_text_of_4096_characters_goes_and_one_more_does_not():
    sent(message(Content(kind=MessageKind.TEXT, text="x" * 4096)))
    assert "4096" in refused(Content(kind=MessageKind.TEXT, text="x" * 4097))


@pytest.mark.parametrize("body", [{"sent": False}, {"sent": False, "message": {"id": "OUT-1"}}])
def test_a_success_that_was_not_sent_leaves_the_outcome_open(body):
    told = answered(answer(200, body))
    assert isinstance(told, Unconfirmed)
    assert told.reason is Unknown.MALFORMED_ANSWER


@pytest.mark.parametrize("words", ["Request timeout", "Timed out waiting for the phone"])
def test_whapi_waiting_in_vain_leaves_the_outcome_open(words):
    told = answered(answer(500, {"error": {"code": 500, "message": words}}))
    assert isinstance(told, Unconfirmed)
    assert told.reason is Unknown.SERVER_ERROR


def test_a_refusal_is_told_in_whapis_words():
    error = {"code": 402, "message": "Trial version limit exceeded", "details": "150 a day"}
    told = answered(answer(402, {"error": error}, retry_after="60"))
    assert isinstance(told, SendFailure)
    assert told.detail == "Trial version limit exceeded: 150 a day"
    assert (told.retryable, told.retry_after_seconds) == (False, 60)


def test_where_the_status_says_little_the_code_in_the_words_counts():
    told = answered(answer(400, {"error": {"code": 429, "message": "slow down"}}))
    assert told.code is FailureCode.THROTTLED


def test_reading_is_a_put_on_the_message():
    [request], _ = drive(PROVIDER.mark_read(heard(), CREDENTIALS, None), DONE)
    assert (request.method, request.url, request.body) == ("PUT", f"{API}/messages/{TARGET}", b"")


@pytest.mark.parametrize("named", ["..", "a/b", "a?b", ""])
def test_nothing_is_asked_about_what_is_no_message_of_whapis(named):
    told = heard(platform_message_id=named)
    assert drive(PROVIDER.mark_read(told, CREDENTIALS, None)) == ([], None)


@pytest.mark.parametrize(
    ("chat", "entry"),
    [("49151", "49151"), ("1203@g.us", "1203@g.us"), ("9876@lid", "9876@lid"), ("a/b", "a%2Fb")],
)
def test_typing_is_a_presence_in_the_chat(chat, entry):
    told = heard(platform_user_id=chat)
    [request], _ = drive(PROVIDER.show_typing(told, CREDENTIALS, None), DONE)
    assert (request.method, request.url) == ("PUT", f"{API}/presences/{entry}")
    assert bodies([request]) == [{"presence": "typing"}]


def fetch(reference, *answers, **media):
    told = Media(reference=reference, **media)
    return drive(PROVIDER.fetch_media(told, CREDENTIALS, None, 100), *answers)


def test_a_file_with_an_id_is_one_request_to_whapi_itself():
    [request], told = fetch(FILE_ID, answer(200, b"abc", content_type="image/png"))
    assert (request.method, request.url) == ("GET", f"{API}/media/{FILE_ID}")
    assert told == Fetched(data=b"abc", mime="image/png")


def test_a_file_without_an_id_is_looked_up_in_its_message():
    image = {"id": FILE_ID, "mime_type": "image/jpeg", "link": "https://s3.example.com/f"}
    found = answer(200, {"id": TARGET, "type": "image", "image": image})
    requests, told = fetch(f"message:{TARGET}", found, answer(200, b"abc"))
    assert [one.url for one in requests] == [f"{API}/messages/{TARGET}", f"{API}/media/{FILE_ID}"]
    assert told == Fetched(data=b"abc", mime="image/jpeg")


@pytest.mark.parametrize("node", [{"id": "media_init"}, {"link": "https://s3.example.com/f"}, {}])
def test_a_file_that_whapi_has_not_got_yet_may_be_there_later(node):
    requests, told = fetch(f"message:{TARGET}", answer(200, {"type": "image", "image": node}))
    assert len(requests) == 1
    assert (told.code, told.retryable) == (FailureCode.PROVIDER_DOWN, True)


@pytest.mark.parametrize(
    "reference", ["../settings", "a/b", "https://evil.example.com", "message:..", "message:a/b", ""]
)
def test_nothing_is_asked_about_what_is_no_file_of_whapis(reference):
    requests, told = fetch(reference)
    assert (requests, told.code) == ([], FailureCode.MEDIA_UNAVAILABLE)


def test_a_file_that_the_webhook_called_too_large_is_not_asked_for():
    requests, told = fetch(FILE_ID, size=101)
    assert (requests, told.code) == ([], FailureCode.TOO_LARGE)


def test_a_file_that_is_gone_is_unavailable():
    _, told = fetch(FILE_ID, answer(404, {"error": {"code": 404, "message": "not found"}}))
    assert (told.code, told.http_status) == (FailureCode.MEDIA_UNAVAILABLE, 404)
