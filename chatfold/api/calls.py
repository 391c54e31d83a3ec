"""One request to the API, and the operation it asks for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chatfold.api.answers import Told
from chatfold.api.problems import Kind
from chatfold.api.questions import Given, Nothing
from chatfold.operations import Asker, Desk, Links
from chatfold.tenancy import Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request: who asks, and what the address names."""

    desk: Desk
    register: Register
    links: Links
    asker: Asker
    name: str


Handle = Callable[[Call, Given], Awaitable[Told]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; `given` is in the query if `by_query`, else in the body.

    One that `acts` needs a token that may act, and answers 202 once what it `appends` is in the
    log.
    """

    name: str
    method: str
    path: str
    summary: str
    given: type[Given] = Nothing
    by_query: bool = False
    told: type[Told]
    acts: bool = False
    appends: bool = True
    kinds: Sequence[Kind] = ()
    handle: Handle

    @property
    def status(self) -> int:
        """The status of success."""
        return 202 if self.acts and self.appends else 200
