"""Language tags, and language codes in the names of folders."""

import re
from collections.abc import Iterable

_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da "
    "de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz "
    "ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln "
    "lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi "
    "pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti "
    "tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
_CODES = frozenset(_ISO_639_1.split())
_CODE = re.compile(r"([a-z]{2})(?:[-_](?:[A-Za-z]{2}|[A-Z][a-z]{3}))?")


def language_code(name: str) -> str | None:
    """Return the language that a folder such as `fr` or `pt_BR` names, in lower case, or None."""
    found = _CODE.fullmatch(name)
    return name.replace("_", "-").lower() if found and found[1] in _CODES else None


def language_folders(path: str, names: Iterable[str]) -> dict[str, str]:
    """Return the language of each folder in `path` that names one, if there are several."""
    prefix = f"{path}/" if path else ""
    found = {prefix + name: code for name in names if (code := language_code(name)) is not None}
    return found if len(found) > 1 else {}


def language_tag(text: str | None) -> str | None:
    """Return a language as the API does: `pt_BR` → `pt-br`; None if the text is blank."""
    return text.strip().replace("_", "-").lower() or None if text else None
