"""What the media agent needs from the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.protocol import Provider
from schemas.tenants import MediaSettings
from schemas.tenants import Models as ModelSettings
from streams.media.checks import MEGABYTE
from streams.ports import (
    AccountDirectory,
    Blobs,
    Clock,
    Downloads,
    Files,
    Leases,
    Models,
    Reach,
    ResultLog,
    Tenants,
    pass_by,
)

MOST_MEGABYTES: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`inbox` is the topic of the reports; no tenant keeps files above `most_megabytes`.

    `hearing` names the model where all recordings are understood here, whatever tenants say.
    """

    providers: Mapping[str, Provider]
    accounts: AccountDirectory
    tenants: Tenants
    leases: Leases
    downloads: Downloads
    blobs: Blobs
    files: Files
    models: Models
    log: ResultLog
    inbox: str
    now: Clock
    reach: Reach = pass_by
    most_megabytes: float = MOST_MEGABYTES
    hearing: str | None = None

    def most_bytes(self, tenant: str) -> int:
        """The largest file that is kept for a tenant."""
        return int(min(self.media(tenant).max_megabytes, self.most_megabytes) * MEGABYTE)

    def media(self, tenant: str) -> MediaSettings:
        """What is done with a tenant's files; what usually is, for one that is gone."""
        found = self.tenants.tenant(tenant)
        return found.media if found else MediaSettings()

    def model_settings(self, tenant: str) -> ModelSettings | None:
        """The tenant's models."""
        found = self.tenants.tenant(tenant)
        return found.models if found else None
