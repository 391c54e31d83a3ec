"""What a webhook item leads to."""

from typing import assert_never

from providers.protocol import (
    Deletion,
    Edit,
    Incoming,
    Message,
    Notice,
    StatusReport,
    Unrecognised,
)
from schemas import identity
from schemas.content import ActionTaken, Person
from schemas.facts import (
    ChatStarted,
    InputUnrecognised,
    MessageDeleted,
    MessageEdited,
    NoticeRecorded,
    ProfileChanged,
)
from schemas.inputs import WebhookReceived
from streams.decide import assisting, delivery, echoes, linking, messages
from streams.decide.draft import Draft
from streams.decide.state import Profile


def take(draft: Draft, item: WebhookReceived, incoming: Incoming) -> None:
    """Record what the item tells, and answer it where it is a message to answer."""
    match incoming:
        case Message():
            _message(draft, item, incoming)
        case StatusReport():
            delivery.status(draft, incoming)
        case Edit():
            draft.record(_edited(draft, item, incoming))
        case Deletion():
            draft.record(_deleted(draft, item, incoming))
            if draft.state.assisted is not None:
                assisting.forget(draft, incoming.target)
        case Notice():
            _rename(draft, item, incoming)
            draft.record(_noticed(item, incoming))
        case Unrecognised():
            draft.record(_unrecognised(item, incoming))
        case _:
            assert_never(incoming)


def _message(draft: Draft, item: WebhookReceived, message: Message) -> None:
    by_business = messages.is_by_business(message)
    if by_business and (ours := echoes.of_ours(draft, message)) is not None:
        delivery.recognise(draft, message.platform_message_id, ours)
        return
    _meet(draft, item, message)
    linking.learn(draft, item, message.also_known_as)
    linking.follow(draft, item, message)
    if message.is_history:
        messages.bring_in(draft, message)
    elif by_business:
        echoes.take(draft, item, message)
    else:
        messages.take(draft, item, message)


def _meet(draft: Draft, item: WebhookReceived, message: Message) -> None:
    _start(draft, item, is_group=message.is_group)
    if not (message.is_group or messages.is_by_business(message)):
        _learn(draft, message.person)


def _start(draft: Draft, item: WebhookReceived, *, is_group: bool) -> None:
    if draft.state.address is None:
        draft.record(
            ChatStarted(
                platform=item.platform,
                platform_user_id=item.platform_user_id,
                provider=item.provider,
                account=item.account,
                is_group=is_group,
            )
        )


def _rename(draft: Draft, item: WebhookReceived, notice: Notice) -> None:
    """Take up other names; what concerns the account as a whole is nobody's name."""
    if notice.also_known_as and item.platform_user_id:
        _start(draft, item, is_group=notice.is_group)
        linking.learn(draft, item, notice.also_known_as, moved_to=notice.moved_to)


def _learn(draft: Draft, person: Person) -> None:
    known = draft.state.profile or Profile()
    now_known = Profile(
        person.phone_e164 or known.phone_e164,
        person.username or known.username,
        person.first_name or known.first_name,
        person.last_name or known.last_name,
    )
    if now_known != draft.state.profile:
        draft.record(
            ProfileChanged(
                phone_e164=now_known.phone_e164,
                username=now_known.username,
                first_name=now_known.first_name,
                last_name=now_known.last_name,
            )
        )


def _edited(draft: Draft, item: WebhookReceived, edit: Edit) -> MessageEdited:
    return MessageEdited(
        message_id=_target(draft, edit.target),
        platform_message_id=edit.target,
        source_id=item.message_id,
        content=edit.content,
        action=ActionTaken.RECORDED,
    )


def _deleted(draft: Draft, item: WebhookReceived, deletion: Deletion) -> MessageDeleted:
    return MessageDeleted(
        message_id=_target(draft, deletion.target),
        platform_message_id=deletion.target,
        source_id=item.message_id,
        action=ActionTaken.RECORDED,
    )


def _target(draft: Draft, platform_message_id: str) -> str:
    chat = draft.state.chat_id
    return identity.message_id(chat=chat, platform_message_id=platform_message_id)


def _noticed(item: WebhookReceived, notice: Notice) -> NoticeRecorded:
    return NoticeRecorded(
        source_id=item.message_id,
        notice=notice.notice,
        detail=notice.detail,
        action=ActionTaken.RECORDED,
    )


def _unrecognised(item: WebhookReceived, unrecognised: Unrecognised) -> InputUnrecognised:
    return InputUnrecognised(
        source_id=item.message_id,
        provider=item.provider,
        reason=unrecognised.reason,
        action=ActionTaken.UNRECOGNISED,
    )
