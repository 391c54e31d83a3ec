"""The operators' API without servers: rows as given, and a log that remembers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from chatfold.api import Api
from chatfold.api.tokens import tokens
from chatfold.operations import Desk, Links, Lists, Page, TablesAway, Unknown, cursors
from chatfold.tenancy import Register, Secrets, TenantDirectory
from providers.channels import CHANNELS
from schemas import codec, envelope
from schemas.envelope import Recorded
from schemas.tenants import Tenant
from streams.ports import Unavailable
from tests.support.edge import Remembering

FILED = "33333333-3333-5333-8333-333333333333"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHAT = "11111111-1111-5111-8111-111111111111"
SECRETS = {"ALICE": "alice's long secret", "BOB": "bob's long secret", "EVE": "eve's long secret"}
ALICE = {"authorization": f"Bearer {SECRETS['ALICE']}"}
EVE = {"authorization": f"Bearer {SECRETS['EVE']}"}
TOKENS = "alice:env:ALICE,bob:env:BOB,eve/viewer:env:EVE"


def reply(number: int) -> str:
    return f"22222222-2222-5222-8222-{number:012d}"


def delivery(number: int, **columns) -> dict[str, object]:
    """A row as the query tells it."""
    row = {
        "reply_id": reply(number),
        "tenant_id": "acme",
        "chat_id": CHAT,
        "channel": "whatsapp",
        "provider": "whatsapp_cloud",
        "account": "100",
        "recipient": "4915112345678",
        "origin": "bot",
        "kind": "text",
        "preview": "Hello",
        "status": "failed",
        "attempt": 5,
        "error_code": "rate_limited",
        "error_message": None,
        "platform_message_id": None,
        "http_status": 429,
        "retryable": True,
        "waiting_for": "operator",
        "next_attempt_at": None,
        "finished_at": NOW,
        "created_at": NOW - timedelta(minutes=number),
    }
    return row | columns


def chat(**columns) -> dict[str, object]:
    row = {
        "chat_id": CHAT,
        "tenant_id": "acme",
        "platform": "whatsapp",
        "platform_user_id": "4915112345678",
        "provider": "whatsapp_cloud",
        "account": "100",
        "phone_e164": None,
        "username": None,
        "first_name": "Ada",
        "last_name": None,
        "is_group": False,
        "last_inbound_at": NOW,
        "last_outbound_at": None,
        "last_conversation_summary": None,
        "created_at": NOW,
        "is_paused": False,
        "pause_reason": None,
        "mode": None,
        "mode_until": None,
        "address": None,
        "also_known_as": [],
    }
    return row | columns


def job_id(number: int) -> str:
    return f"44444444-4444-5444-8444-{number:012d}"


def job(number: int, **columns) -> dict[str, object]:
    """A row as the query tells it."""
    row = {
        "job_id": job_id(number),
        "tenant_id": "acme",
        "chat_id": CHAT,
        "kind": "transcribe",
        "status": "failed",
        "attempts": 5,
        "error_code": "throttled",
        "last_error": "throttled: slow down",
        "next_attempt_at": None,
        "message_id": "55555555-5555-5555-8555-555555555555",
        "conversation_id": None,
        "message_kind": "voice",
        "platform_message_id": "wamid.1",
        "media_mime": "audio/ogg",
        "preview": None,
        "model": "whisper-1",
        "tokens_in": None,
        "tokens_out": None,
        "cost_micros": 600,
        "seconds": 1.5,
        "created_at": NOW - timedelta(minutes=number),
        "updated_at": NOW,
    }
    return row | columns


def hit(**columns) -> dict[str, object]:
    """A message that was found, as the query tells it."""
    row = {
        "message_id": "55555555-5555-5555-8555-555555555555",
        "tenant_id": "acme",
        "chat_id": CHAT,
        "platform": "whatsapp",
        "platform_user_id": "4915112345678",
        "phone_e164": None,
        "username": None,
        "first_name": "Ada",
        "last_name": None,
        "origin": "user",
        "kind": "voice",
        "created_at": NOW,
        "rank": 0.25,
        "found": [{"field": "transcript", "snippet": [{"text": "invoice", "is_match": True}]}],
    }
    return row | columns


class GivenLists(Lists):
    """Stands in for the tables."""

    def __init__(self, deliveries=(), chats=(), paused=(), jobs=()) -> None:
        self.rows = list(deliveries)
        self.jobs_given = list(jobs)
        self.people = {row["chat_id"]: row for row in chats}
        self.silent = list(paused)
        self.asked: list = []
        self.away: TablesAway | None = None

    def _reach(self) -> None:
        if self.away:
            raise self.away

    async def deliveries(self, wanted, *, cursor, limit) -> Page:
        self._reach()
        self.asked.append(wanted)
        before = cursors.place(cursor)
        rows = [r for r in self.rows if not before or (r["created_at"], r["reply_id"]) < before]
        rows = rows[:limit]
        following = cursors.cursor(rows, limit, time="created_at", name="reply_id")
        return Page(rows=rows, next_cursor=following)

    async def delivery(self, reply_id: str):
        self._reach()
        found = [row for row in self.rows if row["reply_id"] == reply_id]
        return found[0] | {"attempts": []} if found else Unknown("delivery")

    async def jobs(self, wanted, *, cursor, limit) -> Page:
        self._reach()
        self.asked.append(wanted)
        before = cursors.place(cursor)
        rows = [
            row
            for row in self.jobs_given
            if (not before or (row["created_at"], row["job_id"]) < before)
            and (not wanted.statuses or row["status"] in wanted.statuses)
            and (not wanted.kinds or row["kind"] in wanted.kinds)
        ][:limit]
        following = cursors.cursor(rows, limit, time="created_at", name="job_id")
        return Page(rows=rows, next_cursor=following)

    async def job(self, job_id: str):
        self._reach()
        found = [row for row in self.jobs_given if row["job_id"] == job_id]
        return found[0] | {"attempts_made": []} if found else Unknown("job")

    async def search(self, sought, *, limit):
        self._reach()
        self.asked.append(sought)
        return [hit()][:limit]

    async def chats(self, *, tenant, paused, cursor, limit) -> Page:
        self._reach()
        rows = [
            {
                "last_activity_at": NOW,
                "conversation_id": None,
                "conversation_status": None,
                "message_count": None,
            }
            | row
            for row in self.people.values()
        ]
        return Page(rows=rows, next_cursor=None)

    async def chat(self, chat_id: str, *, messages: int = 50):
        found = await self.person(chat_id)
        if isinstance(found, Unknown):
            return found
        return found | {"conversations": [], "messages": []}

    async def file(self, message_id: str):
        self._reach()
        if message_id != FILED:
            return Unknown("file of message")
        return {
            "message_id": FILED,
            "tenant_id": "acme",
            "chat_id": CHAT,
            "kind": "image",
            "name": None,
            "mime": "image/png",
            "size": 3,
            "sha256": "aa",
            "key": "acme/aa",
            "thumbnail_key": "acme/bb",
        }

    async def person(self, chat_id: str):
        self._reach()
        return self.people.get(chat_id, Unknown("chat"))

    async def paused(self, *, after, limit):
        self._reach()
        rows = [r for r in self.silent if not after or (r["tenant_id"], r["chat_id"]) > after]
        return rows[:limit]


class GivenStorage:
    """Stands in for the storage of files: its links tell what they are for."""

    failure: Unavailable | None = None

    async def link(self, key: str, life: timedelta) -> str:
        if self.failure:
            raise self.failure
        return f"https://files.test/{key}?for={life.total_seconds():.0f}"


class GivenDirectory(TenantDirectory):
    """Stands in for who follows the tenants topic: knows what a log remembers."""

    def __init__(self, log: Remembering, tenants: Sequence[Tenant]) -> None:
        super().__init__("nowhere", "tenants")
        self.log = log
        self._tenants = {one.tenant_id: one for one in tenants}
        self._publish()

    async def catch_up(self) -> None:
        if self.log.failure:
            raise TimeoutError
        for record in self.log.records:
            self._take(SimpleNamespace(key=record.key, value=record.value, offset=0))
        self._publish()


class Office:
    """The API over rows and tenants as given; `ask` it."""

    def __init__(
        self,
        deliveries=(),
        chats=(),
        paused=(),
        jobs=(),
        words: str = TOKENS,
        tenants=(),
        keys: str = "",
    ) -> None:
        self.lists = GivenLists(deliveries, chats, paused, jobs)
        self.log = Remembering()
        self.reasons: list[str] = []
        self.desk = Desk(
            lists=self.lists, log=self.log, topic="inbox", append_seconds=1, now=lambda: NOW
        )
        secrets = Secrets(SECRETS | {"CHATFOLD_MASTER_KEYS": keys})
        self.tenants = Remembering()
        self.register = Register(
            directory=GivenDirectory(self.tenants, tenants),
            log=self.tenants,
            topic="tenants",
            secrets=secrets,
            channels=CHANNELS,
            append_seconds=1,
            now=lambda: NOW,
        )
        known = tokens(None, words, secrets)
        self.storage = GivenStorage()
        self.links = Links(self.lists, self.storage, lambda: NOW)
        self.api = Api(
            desk=self.desk,
            register=self.register,
            links=self.links,
            tokens=known,
            unready=self._unready,
        )

    async def _unready(self) -> Sequence[str]:
        return self.reasons

    @property
    def inputs(self) -> list[Recorded]:
        return [
            envelope.decode(codec.INPUTS, value=one.value, headers=one.headers)
            for one in self.log.records
        ]

    async def ask(self, method: str, path: str, given=None, headers=ALICE):
        """The answer: status, headers, and the body read as JSON."""
        body = given if isinstance(given, bytes) else b"" if given is None else codec.dumps(given)
        named = dict(headers)
        if body:
            named = {"content-type": "application/json"} | named
        status, told, content = await _call(self.api, method, path, body, named)
        return status, told, codec.loads(content)

    async def get(self, path: str, headers=ALICE):
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, given=None, headers=ALICE):
        return await self.ask("POST", path, given, headers)


async def _call(api: Api, method: str, path: str, body: bytes, headers):
    path, _, query = path.partition("?")
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": raw,
        "http_version": "1.1",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("127.0.0.1", 1),
    }
    sent: list = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await api(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(one.get("body", b"") for one in sent[1:])
