"""`/_sandbox`: order faults, look at what was received, put files, and words into mouths."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import JSON, World, body_of
from chatfold.sandbox.faults import Fault
from chatfold.sandbox.media import File, Media
from chatfold.sandbox.thinking import Sayings
from providers.reading import text
from schemas import codec

_FIELDS: Final = frozenset(
    {
        "provider",
        "account",
        "method",
        "to",
        "text",
        "reference",
        "is_send",
        "fault",
        "status",
        "accepted",
        "message_id",
    }
)
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Control:
    """The handlers of `/_sandbox`."""

    world: World
    media: Media
    sayings: Sayings

    def routes(self) -> list[web.RouteDef]:
        """Where the sandbox is controlled."""
        return [
            web.post("/_sandbox/faults", self.order_fault),
            web.get("/_sandbox/faults", self.list_faults),
            web.delete("/_sandbox/faults", self.clear_faults),
            web.get("/_sandbox/requests", self.list_requests),
            web.delete("/_sandbox/requests", self.clear_requests),
            web.get("/_sandbox/summary", self.summarise),
            web.put("/_sandbox/media/{media}", self.put_file),
            web.post("/_sandbox/sayings", self.put_saying),
        ]

    async def order_fault(self, http: web.Request) -> web.Response:
        """Order a fault."""
        try:
            self.world.faults.add(Fault.model_validate_json(await http.read()))
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        return _json({"ordered": self.world.faults.ordered()}, status=201)

    async def list_faults(self, _http: web.Request) -> web.Response:
        """The faults that are left."""
        return _json({"ordered": self.world.faults.ordered()})

    async def clear_faults(self, _http: web.Request) -> web.Response:
        """Order nothing any more."""
        self.world.faults.clear()
        return web.Response(status=204)

    async def list_requests(self, http: web.Request) -> web.Response:
        """The requests received, by the query: any field of theirs, `since`, `limit`."""
        try:
            since, limit = (int(http.query.get(name, 0)) for name in ("since", "limit"))
        except ValueError:
            return _json({"error": "since and limit are numbers"}, status=400)
        wanted = {name: value for name, value in http.query.items() if name in _FIELDS}
        found = [one.as_json() for one in self.world.journal.find(since=since, **wanted)]
        return _json({"requests": found[: limit or _PAGE], "found": len(found)})

    async def clear_requests(self, _http: web.Request) -> web.Response:
        """Forget the requests."""
        self.world.journal.clear()
        return web.Response(status=204)

    async def summarise(self, _http: web.Request) -> web.Response:
        """Counts, and what was taken twice."""
        return _json(self.world.journal.summary())

    async def put_file(self, http: web.Request) -> web.Response:
        """Keep a file for the media endpoints."""
        try:
            self.media.put(http.match_info["media"], File(await http.read(), http.content_type))
        except ValueError as error:
            return _json({"error": str(error)}, status=413)
        return web.Response(status=204)

    async def put_saying(self, http: web.Request) -> web.Response:
        """Have a model say `say` of the bytes of `sha256`, or `to` what holds these words."""
        body = await body_of(http)
        about, to, say = text(body.get("sha256")), text(body.get("to")), text(body.get("say"))
        if say is None or (about is None) == (to is None):
            return _json({"error": "there must be `say`, and `sha256` or `to`"}, status=400)
        try:
            self.sayings.put(about, say) if about else self.sayings.answer(str(to), say)
        except ValueError as error:
            return _json({"error": str(error)}, status=413)
        return web.Response(status=204)


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=codec.dumps(body), status=status, content_type=JSON)
