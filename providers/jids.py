"""How WhatsApp's own protocol names people and groups: `49151…:3@s.whatsapp.net`, `…@g.us`.

Gateways that speak it (Whapi, Green API, Evolution) write one person in many ways; here each
person has one name, the same that WhatsApp Cloud gives them where a phone number is told.
"""

from typing import Final

from providers import phones
from providers.reading import identifier
from schemas.value import Value

_PEOPLE: Final = frozenset({"s.whatsapp.net", "c.us", "hosted"})
_HIDDEN: Final = frozenset({"lid", "hosted.lid"})
_GROUPS: Final = frozenset({"g.us"})
_BROADCASTS: Final = frozenset({"broadcast", "newsletter"})


class Jid(Value, frozen=True):
    """Whom a jid names.

    `platform_user_id` is the bare digits of a phone, `…@lid` of somebody whose phone is
    hidden, `…@g.us` of a group. `is_broadcast` marks stories, broadcast lists and channels:
    nobody there waits for an answer.
    """

    platform_user_id: str
    is_group: bool = False
    is_broadcast: bool = False

    @property
    def is_lid(self) -> bool:
        """Whether it names a person without telling the phone."""
        return self.platform_user_id.endswith("@lid")

    @property
    def phone(self) -> str | None:
        """The phone as `+4915112345678`, None where the name is not one."""
        return phones.e164(self.platform_user_id)


def read(value: object) -> Jid | None:
    """Whom `value` names: a jid, or bare digits with or without a plus; None if nobody.

    The device (`:3`) and the agent (`_1`) that a person uses are not part of the name.
    """
    told = identifier(value)
    if told is None:
        return None
    user, at, server = told.strip().partition("@")
    if not at:
        return _bare(user)
    if not user.strip("+"):
        return None
    server = server.lower()
    if server in _PEOPLE:
        return _bare(_without_device(user))
    if server in _HIDDEN:
        return _named(_without_device(user), "lid")
    if server in _BROADCASTS:
        return Jid(f"{user}@{server}", is_broadcast=True)
    return Jid(f"{user}@{server}", is_group=server in _GROUPS)


def address(platform_user_id: str, server: str = "s.whatsapp.net") -> str:
    """The jid of a name that `read` made; a person's phone is at `server`."""
    return platform_user_id if "@" in platform_user_id else f"{platform_user_id}@{server}"


def _bare(user: str) -> Jid | None:
    user = user.strip(" +")
    return Jid(user) if user else None


def _named(user: str, server: str) -> Jid | None:
    return Jid(f"{user}@{server}") if user else None


def _without_device(user: str) -> str:
    return user.partition(":")[0].partition("_")[0]
