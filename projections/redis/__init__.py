"""Views of active chats in Redis or Valkey: one Lua call for a chunk, guarded by fact numbers.

Keys, after the prefix and the version of what is stored: `live` names the build that readers see;
`builds` and `dropped`; `counts`; `held` and `fills:BUILD` as long as somebody holds them. Each
build has, after its name: `chat:TENANT:CHAT` the view, with its time to live; `person:TENANT:CHAT`
what stays; `active:TENANT` chats by last activity; `tenants`; `positions`; `moved`, when that was;
`waiting:TOPIC/PARTITION` keys whose facts wait, and these in `parked:TOPIC/PARTITION:KEY`.

A script finds the live build itself, so that all of a call is of one build. It touches several
keys, so that they must be on one server: no cluster.
"""

from projections.redis.server import connect
from projections.redis.views import RedisViews

__all__ = ["RedisViews", "connect"]
