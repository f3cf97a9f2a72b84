"""The options that override what a site's configuration says, validated before a command starts."""

import re

from gqlnews.content.presets.generators import PRESETS
from gqlnews.content.presets.permalinks import PLACEHOLDERS, unknown_placeholders
from gqlnews.content.presets.site import SiteOverrides
from gqlnews.errors import SettingsError

OVERRIDES = ("preset", "permalink", "provider", "future", "expired")  # settings
HIDE, SHOW = "hide", "show"
_PROVIDER = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<domain>[a-z0-9-]+(?:\.[a-z0-9-]+)*)>\s*", re.IGNORECASE)


def build_overrides(
    preset: str | None = None,
    permalink: str | None = None,
    provider: str | None = None,
    future: str | None = None,
    expired: str | None = None,
) -> SiteOverrides:
    """Validate the options. Raises SettingsError."""
    if preset is not None and preset not in PRESETS:
        raise SettingsError(f"--preset {preset!r} is not known: use one of {', '.join(PRESETS)}")
    if permalink is not None and (unknown := unknown_placeholders(permalink)):
        known = ", ".join(f":{name}" for name in PLACEHOLDERS)
        raise SettingsError(f"--permalink {permalink!r} contains {unknown[0]}, which is not one of {known}")
    name, domain = _split_provider(provider)
    return SiteOverrides(
        preset=preset,
        permalink=permalink,
        provider_name=name,
        provider_domain=domain,
        hides_future=_hides("--future", future),
        hides_expired=_hides("--expired", expired),
    )


def override_arguments(overrides: SiteOverrides) -> list[str]:
    """Return the options again, for the command line of another process."""
    provider = overrides.provider_domain and f"{overrides.provider_name or ''} <{overrides.provider_domain}>"
    values = {
        "--preset": overrides.preset,
        "--permalink": overrides.permalink,
        "--provider": provider,
        "--future": _policy(overrides.hides_future),
        "--expired": _policy(overrides.hides_expired),
    }
    return [text for option, value in values.items() if value is not None for text in (option, value)]


def _split_provider(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    match = _PROVIDER.fullmatch(text)
    if match is None:
        raise SettingsError(
            f"--provider {text!r} is not a name and a domain: use 'Example News <news.example>'"
        )
    return match["name"] or None, match["domain"].lower()


def _hides(option: str, text: str | None) -> bool | None:
    if text not in {None, HIDE, SHOW}:
        raise SettingsError(f"{option} {text!r} is not valid: use {HIDE} or {SHOW}")
    return None if text is None else text == HIDE


def _policy(hides: bool | None) -> str | None:
    return None if hides is None else HIDE if hides else SHOW
