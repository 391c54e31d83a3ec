"""What each provider tells and takes, from the cases and samples of the contract suite."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from docs.generation import Documents
from docs.generation import provider_cells as cells
from docs.generation.markdown import code, page, table
from docs.generation.provider_cells import Cell
from providers.failures import MEANINGS
from providers.registry import PROVIDERS
from providers.sendable import FILES
from schemas.content import MessageKind
from schemas.tenants import Tenant
from tests.contract.features import FEATURES
from tests.contract.provider_cases import CASES

ABOUT: Final = """Each cell is made by reading the provider's samples or by beginning a request \
to it. The contract suite, `tests/contract`, holds all providers to the same promises."""
ABOUT_TOLD: Final = """A link leads to a webhook that tells it, and `chatfold webhook explain` \
shows how it is read; of "yes" without a link the contract suite has a body; "no" is what the \
provider has no word for. Whatever else it tells is recorded as a notice or as unrecognised, and \
never answered."""
ABOUT_SENT: Final = '"no" is refused before anything is asked of the provider.'
ABOUT_BESIDE: Final = """"some" leads to a message for which it is. The paces are what is kept to \
unless an account's settings say otherwise."""
ABOUT_REFUSED: Final = """The HTTP statuses of each refusal; which it is, the provider's own \
words decide. What is tried again is tried after {minutes} minutes or when the provider says, \
unless the tenant has other times; the rest waits for an operator. A time-out, a connection that \
is cut and an answer that says nothing leave the outcome open at every provider: such a message \
is not sent again unless the tenant wants it."""

_KINDS: Final = (
    MessageKind.TEXT,
    *(one for one in MessageKind if one in FILES),
    MessageKind.CONTACT,
    MessageKind.LOCATION,
    MessageKind.REACTION,
    MessageKind.INTERACTIVE,
    MessageKind.ORDER,
)
SENT: Final[Mapping[str, Cell]] = MappingProxyType(
    {f"{kind}": cells.sends(kind) for kind in _KINDS}
    | {
        "a file's caption": cells.sends_caption,
        "which message it answers": cells.sends_answer,
        "our reference": cells.sends_reference,
    }
)
BESIDE: Final[Mapping[str, Cell]] = MappingProxyType(
    {
        "proof of a webhook": cells.proof,
        "check of the address": cells.challenges,
        "credentials": cells.credentials,
        "telling that a message was read": cells.asks("mark_read"),
        "telling that one is typing": cells.asks("show_typing"),
        "download of a file": cells.downloads,
        "replies are taken": cells.window,
        "pace of an account": cells.account_pace,
        "pace in a chat": cells.chat_pace,
        "pace in a group": cells.group_pace,
    }
)


def documents() -> Documents:
    """The page of providers."""
    minutes = ", ".join(f"{one:g}" for one in Tenant.model_fields["retry_minutes"].default)
    parts = (
        (f"## What webhooks tell\n\n{ABOUT_TOLD}", {one: cells.tells(one) for one in FEATURES}),
        (f"## What is sent\n\n{ABOUT_SENT}", SENT),
        (f"## Beside messages\n\n{ABOUT_BESIDE}", BESIDE),
        (f"## Refusals\n\n{ABOUT_REFUSED.format(minutes=minutes)}", _refusals()),
    )
    tables = (part for words, rows in parts for part in (words, _table(rows)))
    return {"docs/reference/providers.md": page("Providers", ABOUT, *tables)}


def _table(rows: Mapping[str, Cell]) -> str:
    lines = (
        (title, *(cell(provider, CASES[name]) for name, provider in PROVIDERS.items()))
        for title, cell in rows.items()
    )
    return table(("", *map(code, PROVIDERS)), lines)


def _refusals() -> Mapping[str, Cell]:
    return {
        f"{code(refusal)}{', tried again' if meaning.retryable else ''}": cells.refusals(refusal)
        for refusal, meaning in MEANINGS.items()
        if any(refusal is known for case in CASES.values() for _, known in case.refusals)
    }
