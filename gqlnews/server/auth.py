"""Authentication: a valid bearer token makes an editor, no token the public; an invalid one is a 401."""

import hmac
import re
from collections.abc import Sequence
from hashlib import sha256

from starlette.types import Scope

from gqlnews.config.settings import ServerSettings
from gqlnews.errors import Code
from gqlnews.query.audience import Audience
from gqlnews.server.http import BEARER, WWW_AUTHENTICATE, HTTPError

# RFC 6750, section 2.1; the scheme is case-insensitive (RFC 9110).
_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def given_credentials(scope: Scope) -> Sequence[str]:
    """The `Authorization` headers of a request."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]


def anonymous(settings: ServerSettings) -> Audience:
    """The audience of a request without credentials."""
    return Audience.OPEN if settings.unpublished else Audience.PUBLIC


def audience(given: Sequence[str], settings: ServerSettings) -> Audience:
    """The audience of a request with these `Authorization` headers. Raises HTTPError (401)."""
    if not given:
        return anonymous(settings)
    credentials = _CREDENTIALS.fullmatch(given[0]) if len(given) == 1 else None
    if credentials is None:
        raise _unauthenticated("Authorization must be `Bearer TOKEN`, once.")
    if not _is_known(credentials[1], settings.editor_tokens):
        raise _unauthenticated("This token is not known here.")
    return Audience.EDITOR


def _is_known(token: str, tokens: Sequence[bytes]) -> bool:
    """Compare all digests, each in constant time, so that timing reveals nothing about the tokens."""
    digest = sha256(token.encode("ascii")).digest()
    return sum(hmac.compare_digest(digest, known) for known in tokens) > 0


def _unauthenticated(message: str) -> HTTPError:
    return HTTPError(401, Code.UNAUTHENTICATED, message, **{WWW_AUTHENTICATE: BEARER})
