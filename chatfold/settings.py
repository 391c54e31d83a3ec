"""Settings from the environment and `.env`, validated at start."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatfold.refusal import Refusal

PREFIX: Final = "CHATFOLD_"

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[float, Field(gt=0)]


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "chatfold")


class SettingsError(Refusal):
    """One or more settings are missing or wrong; the text names each and what it accepts."""


class Settings(BaseSettings):
    """Every setting of every role; a role reads only its own."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    home: Path = Field(Path(".chatfold"), description="folder for servers' data and local state")
    kafka_port: Port = Field(19092, description="port of the stack's own Kafka")
    postgres_port: Port = Field(15432, description="port of the stack's own PostgreSQL")
    redis_port: Port = Field(16379, description="port of the stack's own Valkey")
    kafka_controller_port: Port = Field(19093, description="second port of the stack's own Kafka")
    kafka_opts: str = Field(
        "",
        description="more options for the JVM of the stack's own Kafka; "
        "-XX:TieredStopAtLevel=4 for load that lasts",
    )
    cache: Path = Field(
        default_factory=_user_cache,
        description="folder for downloaded jars, shared by all homes",
    )

    kafka_bootstrap: str | None = Field(
        None, description="host:port[,host:port] of a Kafka to use instead of the stack's"
    )
    database_url: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="postgresql://user:password@host:port/name of a PostgreSQL to use instead",
    )
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="redis://host:port/db of a Redis to use instead, or file:PATH for JSON files",
    )

    topic_prefix: str = Field(
        "chatfold", pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$", description="first part of topic names"
    )
    partitions: Annotated[int, Field(ge=1, le=1000)] = Field(
        4, description="partitions of every topic, fixed at birth"
    )
    replication_factor: Annotated[int, Field(ge=1, le=9)] = Field(
        1, description="copies of every partition"
    )
    database_schema: str = Field(
        "chatfold",
        pattern=r"^[a-z_][a-z0-9_]{0,40}$",
        description="PostgreSQL schema of the tables",
    )
    projections: str = Field(
        "*",
        description="own projections that the projector runs, by name with commas between;"
        " * for all that installed packages bring, the examples left out",
    )
    view_prefix: str = Field("chatfold", description="first part of every key of the Redis views")
    view_ttl_hours: Positive = Field(24.0, description="hours an active view lives untouched")

    gateway_host: str = Field("127.0.0.1", description="address the gateway binds to")
    gateway_port: Port = Field(18080, description="port the gateway binds to")
    gateway_reuse_port: bool = Field(
        default=False, description="let several gateways on this machine share the port"
    )
    gateway_max_connections: Annotated[int, Field(ge=1)] = Field(
        10_000, description="open connections before a 503"
    )
    api_host: str = Field("127.0.0.1", description="address the operators' API binds to")
    api_port: Port = Field(18086, description="port the operators' API binds to")
    api_token: str | None = Field(
        None,
        description="secret, env:NAME or file:PATH of the operators' API, for a single operator",
        repr=False,
    )
    api_tokens: str | None = Field(
        None,
        description="NAME:SECRET[,NAME:SECRET...] of the operators' API; a secret may be env:NAME"
        " or file:PATH, and a NAME/viewer may only look",
        repr=False,
    )
    metrics_host: str = Field("127.0.0.1", description="address this role's metrics_port binds to")
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0, description="port of this role's /metrics, /healthz and /readyz; 0 = its default"
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        4_000_000, description="largest accepted webhook body; larger is answered 413"
    )
    body_timeout_seconds: Positive = Field(
        10.0, description="longest wait for the rest of a webhook's body before a 408"
    )
    drain_timeout_seconds: Annotated[int, Field(ge=1)] = Field(
        10, description="longest wait for webhooks under way when the gateway is stopped"
    )
    append_timeout_seconds: Positive = Field(
        5.0, description="longest wait for the broker's acknowledgement before a 503"
    )
    max_pending_bytes: Annotated[int, Field(ge=1024, le=90_000_000)] = Field(
        64_000_000,
        description="bytes of webhooks in memory before 503 with Retry-After; a request to"
        " Kafka may hold them all, and brokers refuse requests above 100 MiB",
    )

    media_url: str | None = Field(
        None,
        description="folder, s3://bucket/prefix, gs:// or az:// where files are kept; without it"
        " the folder media in CHATFOLD_HOME",
    )
    media_max_megabytes: Positive = Field(
        100.0, description="largest file that is kept, whatever tenants allow"
    )
    media_allowed_networks: str = Field(
        "",
        description="10.0.0.0/8[,192.168.1.7...] from which files may be fetched although they are"
        " none of the public internet; accounts' base_url is always asked",
    )
    media_readers: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="processes that look into files; 0 = as many as cores, but at least 2"
    )
    speech_model: Path | None = Field(
        None,
        description="folder of a faster-whisper model that understands all recordings here;"
        " needs chatfold[speech]",
    )

    archive_url: str | None = Field(
        None,
        description="folder, or s3://, gs:// or az:// URL, of the archive of the log and of old"
        " messages; the folder archive in CHATFOLD_HOME where none is named",
    )
    archive_segment_bytes: Annotated[int, Field(ge=1024, le=67_108_864)] = Field(
        8_388_608, description="bytes before compression at which a segment is archived"
    )
    archive_segment_seconds: Positive = Field(
        300.0, description="longest time that a record waits for its segment to fill"
    )
    archive_accept_gap: bool = Field(
        default=False,
        description="true: the archiver goes on although records expired before they were archived",
    )
    accept_gap: bool = Field(
        default=False, description="true: the decider goes on although inputs expired undecided"
    )
    dedupe_window_days: Positive = Field(7.0, description="days a handled id is remembered")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level that is logged"
    )

    master_keys: str | None = Field(
        None,
        description="KEYID:BASE64[,KEYID:BASE64...] of the keys that encrypt tenants' secrets; the"
        " first encrypts, all decrypt; `chatfold tenants keys new` prints one",
        repr=False,
    )

    wp_access_token: str | None = Field(
        None,
        validation_alias="WP_ACCESS_TOKEN",
        description="WhatsApp Cloud API: token that sends, for a single tenant",
        repr=False,
    )
    wp_phone_id: str | None = Field(
        None, validation_alias="WP_PHONE_ID", description="WhatsApp Cloud API: phone number id"
    )
    wp_bid: str | None = Field(
        None, validation_alias="WP_BID", description="WhatsApp Cloud API: business account id"
    )
    wp_app_secret: str | None = Field(
        None,
        validation_alias="WP_APP_SECRET",
        description="WhatsApp Cloud API: app secret that signs webhooks",
        repr=False,
    )
    wp_verify_token: str | None = Field(
        None,
        validation_alias="WP_VERIFY_TOKEN",
        description="WhatsApp Cloud API: word that you give to Meta with the webhook's address",
        repr=False,
    )
    telegram_bot_token: str | None = Field(
        None,
        validation_alias="TELEGRAM_BOT_TOKEN",
        pattern=r"^[0-9]+:.+$",
        description="Telegram: token of the bot, as 123456:ABC",
        repr=False,
    )
    telegram_secret_token: str | None = Field(
        None,
        validation_alias="TELEGRAM_SECRET_TOKEN",
        description="Telegram: secret_token that you gave to setWebhook",
        repr=False,
    )

    openai_api_key: str | None = Field(
        None,
        validation_alias="OPENAI_API_KEY",
        description="OpenAI or a service like it: key of the models that answer, for a single"
        " tenant",
        repr=False,
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        pattern=r"^(https?://.+)?$",
        description="address of a service that speaks as OpenAI's does, with its /v1",
    )
    openai_model: str | None = Field(
        None,
        validation_alias="OPENAI_MODEL",
        description="model that answers and looks at pictures; gpt-4o-mini if left out",
    )

    @field_validator("media_allowed_networks")
    @classmethod
    def _networks(cls, names: str) -> str:
        for name in filter(None, map(str.strip, names.split(","))):
            ip_network(name)
        return names

    @field_validator("database_url")
    @classmethod
    def _plain_postgres_url(cls, url: str | None) -> str | None:
        return url.replace("postgresql+asyncpg://", "postgresql://", 1) if url else url

    @property
    def bootstrap(self) -> str:
        """Kafka's address: the one named, else the stack's."""
        return self.kafka_bootstrap or f"127.0.0.1:{self.kafka_port}"

    @property
    def database(self) -> str:
        """PostgreSQL's URL: the one named, else the stack's."""
        return self.database_url or f"postgresql://chatfold@127.0.0.1:{self.postgres_port}/chatfold"

    @property
    def archive_folder(self) -> Path:
        """Where the archive is if no URL names it."""
        return self.home / "archive"

    @property
    def views(self) -> str:
        """The view store's URL: the one named, else the stack's Valkey."""
        return self.redis_url or f"redis://127.0.0.1:{self.redis_port}/0"


def load() -> Settings:
    """The validated settings; raises `SettingsError` naming every mistake."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(mistake) for mistake in error.errors())) from None


def variable(field: str) -> str:
    """The environment variable that sets `field`."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias) if alias else PREFIX + field.upper()


def environment(chosen: Settings) -> dict[str, str]:
    """The variables that give a child process the settings `chosen`."""
    values = chosen.model_dump(exclude_none=True)
    return {variable(field): str(value) for field, value in values.items()}


def _explain(mistake: object) -> str:
    location = mistake["loc"][0]  # type: ignore[index]  # pydantic's ErrorDetails
    by_variable = {variable(field): field for field in Settings.model_fields}
    field = location if location in Settings.model_fields else by_variable[location]
    accepts = Settings.model_fields[field].description
    return f"{variable(field)}: {mistake['msg']}; it accepts: {accepts}"  # type: ignore[index]  # as above
