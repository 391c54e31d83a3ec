"""What is sent to the Bot API, and what its answers mean."""

import pytest

from providers.failures import FailureCode, Unconfirmed
from providers.protocol import Accepted, Fetched, Heard, Outgoing
from providers.telegram import PROVIDER
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import answer, bodies, drive

TOKEN = "123456:AA-secret_token"
CREDENTIALS = {"bot_token": TOKEN}
OK = answer(200, {"ok": True, "result": {"message_id": 77, "chat": {"id": 7}, "text": "hello"}})
PLACE = {"latitude": 51.5, "longitude": -0.1}


def message(content=None, **changes):
    told = {
        "account": "",
        "to": "7",
        "content": content or Content(kind=MessageKind.TEXT, text="hello"),
        "reply_to": None,
        "reference": "reply-1",
    }
    return Outgoing(**told | changes)


def sent(outgoing, response=OK):
    [request], result = drive(PROVIDER.send(outgoing, CREDENTIALS, None), response)
    assert isinstance(result, Accepted)
    start = f"https://api.telegram.org/bot{TOKEN}/"
    assert request.url.startswith(start)
    return request.url.removeprefix(start), bodies([request])[0]


def file(kind, **parts):
    return Content(kind=kind, media=Media(reference="FILE"), **parts)


def refused(status, **body):
    told = {"ok": False, "error_code": status, **body}
    return drive(PROVIDER.send(message(), CREDENTIALS, None), answer(status, told))[1]


def test_a_text_answers_a_message_of_its_chat_even_if_that_is_gone():
    assert sent(message(reply_to="7:5")) == (
        "sendMessage",
        {
            "chat_id": 7,
            "text": "hello",
            "reply_parameters": {"message_id": 5, "allow_sending_without_reply": True},
        },
    )


@pytest.mark.parametrize("reply_to", ["3000000000000000001", "8:5", "message_reaction:9", "7:x"])
def test_what_is_no_message_of_the_chat_is_not_answered_as_one(reply_to):
    assert "reply_parameters" not in sent(message(reply_to=reply_to))[1]


def test_in_a_business_chat_the_bot_writes_in_the_owners_name():
    [request], result = drive(
        PROVIDER.send(message(to="BC:7", reply_to="BC:7:5"), CREDENTIALS, None), OK
    )
    [body] = bodies([request])
    assert (body["business_connection_id"], body["chat_id"]) == ("BC", 7)
    assert body["reply_parameters"]["message_id"] == 5
    assert result.platform_message_id == "BC:7:77"


@pytest.mark.parametrize(
    ("to", "chat_id"), [("-1001234567890", -1001234567890), ("@news", "@news")]
)
def test_groups_have_negative_numbers_and_channels_may_have_names(to, chat_id):
    assert sent(message(to=to))[1]["chat_id"] == chat_id


@pytest.mark.parametrize(
    ("content", "method", "parameters"),
    [
        (file(MessageKind.IMAGE, caption="c"), "sendPhoto", {"photo": "FILE", "caption": "c"}),
        (file(MessageKind.VOICE), "sendVoice", {"voice": "FILE"}),
        (file(MessageKind.AUDIO), "sendAudio", {"audio": "FILE"}),
        (file(MessageKind.VIDEO), "sendVideo", {"video": "FILE"}),
        (file(MessageKind.DOCUMENT), "sendDocument", {"document": "FILE"}),
        (file(MessageKind.STICKER, caption="never"), "sendSticker", {"sticker": "FILE"}),
        (Content(kind=MessageKind.LOCATION, structured=PLACE), "sendLocation", PLACE),
        (
            Content(kind=MessageKind.LOCATION, structured=PLACE | {"name": "N", "address": "A"}),
            "sendVenue",
            PLACE | {"title": "N", "address": "A"},
        ),
        (
            Content(
                kind=MessageKind.CONTACT,
                structured={"contacts": [{"name": "Ada L", "phones": [{"phone": "+1555"}]}]},
            ),
            "sendContact",
            {"phone_number": "+1555", "first_name": "Ada L"},
        ),
    ],
)
def test_other_kinds_have_methods_of_their_own(content, method, parameters):
    assert sent(message(content)) == (method, {"chat_id": 7, **parameters})


def test_a_reaction_is_set_and_has_no_name_of_its_own():
    content = Content(kind=MessageKind.REACTION, structured={"emoji": "👍", "target": "7:5"})
    exchange = PROVIDER.send(message(content, reply_to="7:5"), CREDENTIALS, None)
    [request], result = drive(exchange, answer(200, {"ok": True, "result": True}))
    assert request.url.endswith("/setMessageReaction")
    reaction = [{"type": "emoji", "emoji": "👍"}]
    assert bodies([request]) == [{"chat_id": 7, "message_id": 5, "reaction": reaction}]
    assert result == Accepted(platform_message_id=None, http_status=200)


@pytest.mark.parametrize(
    "content",
    [
        Content(kind=MessageKind.TEXT, text=""),
        Content(kind=MessageKind.TEXT, text="x" * 4097),
        Content(kind=MessageKind.TEXT, text="🧵" * 2049),  # each is two UTF-16 units
        file(MessageKind.IMAGE, caption="x" * 1025),
        Content(kind=MessageKind.CONTACT, structured={"contacts": [{"name": "no phone"}]}),
        Content(kind=MessageKind.REACTION, structured={"emoji": "👍", "target": "8:5"}),
        Content(kind=MessageKind.INTERACTIVE),
    ],
)
def test_what_cannot_be_said_is_refused_without_asking(content):
    requests, result = drive(PROVIDER.send(message(content), CREDENTIALS, None))
    assert requests == []
    assert result.code is FailureCode.CONTENT_REFUSED


def test_2048_emoji_are_as_long_as_a_message_may_be():
    assert sent(message(Content(kind=MessageKind.TEXT, text="🧵" * 2048)))


@pytest.mark.parametrize(
    ("status", "description", "expected"),
    [
        (403, "Forbidden: bot was blocked by the user", "blocked_by_user"),
        (403, "Forbidden: user is deactivated", "recipient_unreachable"),
        (403, "Forbidden: bot can't initiate conversation with a user", "recipient_unreachable"),
        (403, "Forbidden: bot was kicked from the supergroup chat", "recipient_unreachable"),
        (400, "Bad Request: chat not found", "recipient_unreachable"),
        (400, "Bad Request: message is too long", "content_refused"),
        (400, "Bad Request: can't parse entities: Can't find end", "content_refused"),
        (400, "Bad Request: something new", "refused"),
        (401, "Unauthorized", "unauthenticated"),
        (404, "Not Found", "unauthenticated"),
        (413, "Request Entity Too Large", "too_large"),
        (429, "Too Many Requests: retry after 8", "throttled"),
        (500, "Internal Server Error", "provider_down"),
        (502, "Bad Gateway", "provider_down"),
    ],
)
def test_every_refusal_has_its_meaning(status, description, expected):
    failure = refused(status, description=description)
    assert (failure.code.value, failure.http_status) == (expected, status)
    assert failure.detail == description


def test_telegram_tells_how_long_to_wait():
    failure = refused(429, description="Too Many", parameters={"retry_after": 8})
    assert failure.retry_after_seconds == 8


def test_a_group_that_moved_is_told_with_its_new_id():
    failure = refused(
        400,
        description="Bad Request: group chat was upgraded",
        parameters={"migrate_to_chat_id": -100},
    )
    assert failure.code is FailureCode.CHAT_MOVED
    assert "-100" in failure.detail


def test_success_without_a_message_is_not_taken_for_success():
    for told in ({"ok": False}, {"ok": True}, {"ok": True, "result": {}}, [], 7):
        result = drive(PROVIDER.send(message(), CREDENTIALS, None), answer(200, told))[1]
        assert isinstance(result, Unconfirmed)


def fetch(*answers, max_bytes=100):
    return drive(
        PROVIDER.fetch_media(Media(reference="FILE"), CREDENTIALS, None, max_bytes), *answers
    )


def found(**more):
    return answer(200, {"ok": True, "result": {"file_path": "voice/file_1.oga", **more}})


def test_a_file_is_fetched_in_two_steps():
    requests, result = fetch(found(file_size=3), answer(200, b"oga", content_type="audio/ogg"))
    assert [request.url for request in requests] == [
        f"https://api.telegram.org/bot{TOKEN}/getFile",
        f"https://api.telegram.org/file/bot{TOKEN}/voice/file_1.oga",
    ]
    assert result == Fetched(data=b"oga", mime="audio/ogg")


@pytest.mark.parametrize(
    "path", ["../../botX/getMe", "/etc/passwd", "a//b", "a/../b", "a?b", "https://evil.com/x", ""]
)
def test_a_path_that_leads_elsewhere_is_not_followed(path):
    requests, result = fetch(found(file_path=path))
    assert len(requests) == 1
    assert result.code is FailureCode.MEDIA_UNAVAILABLE


def test_a_file_beyond_what_bots_may_fetch_is_too_large():
    told = {"ok": False, "error_code": 400, "description": "Bad Request: file is too big"}
    assert fetch(answer(400, told))[1].code is FailureCode.TOO_LARGE
    assert fetch(found(file_size=20_000_001), max_bytes=10**9)[1].code is FailureCode.TOO_LARGE


def test_a_file_that_is_gone_is_unavailable():
    gone = answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})
    assert fetch(found(), gone, found(), gone)[1].code is FailureCode.MEDIA_UNAVAILABLE


def test_a_link_that_is_dead_is_asked_for_once_more():
    requests, result = fetch(found(), answer(404), found(), answer(200, b"oga"))
    assert [one.method for one in requests] == ["POST", "GET", "POST", "GET"]
    assert isinstance(result, Fetched)


@pytest.mark.parametrize(
    ("message_id", "method"),
    [
        ("3000000000000000001", "answerCallbackQuery"),
        ("BC:7:5", "readBusinessMessage"),
        ("7:5", None),
        ("message_reaction:9", None),
    ],
)
def test_a_bot_marks_only_buttons_and_business_messages(message_id, method):
    heard = Heard(account="", platform_user_id="7", platform_message_id=message_id)
    exchange = PROVIDER.mark_read(heard, CREDENTIALS, None)
    requests, _ = drive(exchange, *([answer(200)] if method else []))
    assert [request.url.rsplit("/", 1)[1] for request in requests] == ([method] if method else [])


def test_typing_is_shown_in_the_chat():
    heard = Heard(account="", platform_user_id="7", platform_message_id="7:5")
    requests, _ = drive(PROVIDER.show_typing(heard, CREDENTIALS, None), answer(200))
    assert [request.url.rsplit("/", 1)[1] for request in requests] == ["sendChatAction"]
    assert bodies(requests) == [{"chat_id": 7, "action": "typing"}]
