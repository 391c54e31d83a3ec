"""Platforms that take a person's replies only for a time after their last message."""

from providers import templates
from providers.registry import session_window, takes_templates
from schemas.content import MessageKind
from schemas.facts import TemplateChosen
from streams.decide import retries
from streams.decide.draft import Draft
from streams.decide.state import Pending


def is_over(draft: Draft, reply: Pending) -> bool:
    """Whether the platform does not take this reply any more, the person being silent for long."""
    heard = draft.state.heard_at
    if reply.to is not None or heard is None or templates.is_template(reply.content):
        return False
    window = session_window(reply.provider)
    return window is not None and heard + window <= draft.now


def choose_otherwise(draft: Draft, reply: Pending) -> None:
    """Have the reply leave as the tenant's template; where that cannot be, do not attempt it."""
    chosen = draft.policy.template
    is_in_words = reply.content.kind is MessageKind.TEXT
    if chosen is None or not is_in_words or not takes_templates(reply.provider):
        retries.withhold(draft, reply)
        return
    draft.record(
        TemplateChosen(
            reply_id=reply.reply_id,
            attempt=reply.attempt,
            template=chosen.name,
            language=chosen.language,
            with_words=chosen.with_words,
        )
    )
