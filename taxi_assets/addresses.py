"""Addresses for people to read: in messages, in what is stored, and to tell one source from another."""

import re

FOLDER_SCHEMES = frozenset({"file", "local"})

PLACE_BEFORE_AT_SCHEMES = frozenset({"abfs", "abfss", "az", "git", "github"})
"""Their addresses have a container or a repository before the @, where others have a user."""

USER = re.compile(
    r"""
    (?<=://)
    (?:
        # A password is often pasted as it is, with a slash in it. What follows the colon is no port then.
        [^/?\#@:\[]* : (?! : | \d* (?: [/?\#] | $ ) ) [^@]* @
        | [^/?\#@]* @
    )+
    """,
    re.VERBOSE,
)


def shown(address: str) -> str:
    """An address without its user, password and query, each of which may hold a token.

    Addresses that differ in these only are the same for whoever compares what is shown. A path, a preset, or what was
    shown already stays as it is.

    Args:
        address: a path, a preset, a URI, or a template of one.
    """
    scheme, separator, _ = address.partition("://")
    if not separator or scheme in FOLDER_SCHEMES:
        return address
    without_user = address if scheme in PLACE_BEFORE_AT_SCHEMES else USER.sub("", address)
    place, question, _ = without_user.partition("?")
    return place + (question and "?…")
