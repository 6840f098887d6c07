"""Names as people type them: ours and those of other libraries, however they are written, or the nearest to what is
none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def spelled(name: str) -> str:
    """What is left of a name if neither case nor signs count: "LeakyReLU" and "leaky_relu" are one."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def known_name(
    kind: str, given: str, known: Iterable[str], aliases: Mapping[str, str] | None = None, more: str = ""
) -> str:
    """What something is called here.

    Parameters
    ----------
    kind
        What is expected, such as "a loss".
    given
        The name as it was typed; case, underscores, hyphens and blanks do not count.
    known
        Our names.
    aliases
        Other names, and which of ours each means.
    more
        What errors say after our names.

    Raises
    ------
    TypeError
        It is no text.
    ValueError
        There is none of that name; the message lists ours and says the nearest.
    """
    if not isinstance(given, str):
        raise TypeError(f"expected the name of {kind}, got {type(given).__name__}")
    ours = dict.fromkeys(known)
    if given in ours:
        return given
    names = {spelled(name): name for name in (*(aliases or {}), *ours)}
    found = names.get(spelled(given))
    if found is None:
        raise ValueError(f"expected {kind} out of {', '.join(ours)}{more}; got {given!r}{nearest(given, names)}")
    return found if found in ours else (aliases or {})[found]


def nearest(given: str, names: Mapping[str, str]) -> str:
    """A question for the name that was meant, if one is near enough."""
    from difflib import get_close_matches

    near = get_close_matches(spelled(given), names, 1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""
