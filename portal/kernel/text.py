"""Text kept in several languages."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("ru", "tk", "en")
LANGUAGE_NAMES = {"ru": "Русский", "tk": "Türkmençe", "en": "English"}  # each in itself
FALLBACK = ("ru", "en", "tk")


@dataclass(frozen=True)
class LocalizedText:
    """One text by language code ("ru", "tk", "en"); at least one language is present."""

    by_locale: dict[str, str]

    def within(self, locale: str) -> str:
        """The text in `locale`, else in the first language of FALLBACK that has one."""
        return next(self.by_locale[code] for code in (locale, *FALLBACK) if self.by_locale.get(code))

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.by_locale.items())))
