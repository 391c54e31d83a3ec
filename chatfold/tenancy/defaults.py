"""The tenant of those who have just one: taken from the usual variables."""

from typing import Final

from chatfold.settings import Settings
from schemas.content import Platform
from schemas.tenants import Account, Models, Tenant

TENANT_ID: Final = "default"


def tenant_from_settings(
    settings: Settings,
    *,
    echo: bool = False,
    whatsapp_url: str | None = None,
    telegram_url: str | None = None,
) -> Tenant | None:
    """Tenant `default` with the accounts that the settings name; None if they name none.

    Secrets are referred to by their variables. Where a model can answer it does, unless `echo`
    shall. The addresses replace the providers' own, for a sandbox.
    """
    accounts = [
        account
        for account in (
            _whatsapp(settings, settings.wp_phone_id, whatsapp_url),
            _whatsapp(settings, settings.wp_bid, whatsapp_url),
            _telegram(settings, telegram_url),
        )
        if account
    ]
    if not accounts:
        return None
    models = _models(settings)
    return Tenant(
        tenant_id=TENANT_ID,
        name="Default",
        accounts=tuple(accounts),
        models=models,
        responder="llm" if models and not echo else "echo",
    )


def _models(settings: Settings) -> Models | None:
    """OpenAI's models, or another service's that speaks as OpenAI does."""
    if not settings.openai_api_key:
        return None
    usual = Models()
    named = settings.openai_model
    return Models(
        provider="other" if settings.openai_base_url else "openai",
        base_url=settings.openai_base_url or None,
        api_key="env:OPENAI_API_KEY",
        chat=named or usual.chat,
        vision=named or usual.vision,
    )


def _whatsapp(settings: Settings, account: str | None, base_url: str | None) -> Account | None:
    """A phone number, or the business account, which some webhooks name instead."""
    if not account:
        return None
    return Account(
        provider="whatsapp_cloud",
        account=account,
        platform=Platform.WHATSAPP,
        credentials={"access_token": "env:WP_ACCESS_TOKEN"} if settings.wp_access_token else {},
        secrets=("env:WP_APP_SECRET",) if settings.wp_app_secret else (),
        verify_token="env:WP_VERIFY_TOKEN" if settings.wp_verify_token else None,
        base_url=base_url,
    )


def _telegram(settings: Settings, base_url: str | None) -> Account | None:
    """The bot whose id is the first part of its token."""
    if not settings.telegram_bot_token:
        return None
    bot, _, _ = settings.telegram_bot_token.partition(":")
    return Account(
        provider="telegram",
        account=bot,
        platform=Platform.TELEGRAM,
        credentials={"bot_token": "env:TELEGRAM_BOT_TOKEN"},
        secrets=("env:TELEGRAM_SECRET_TOKEN",) if settings.telegram_secret_token else (),
        base_url=base_url,
    )
