"""Gather the texts of the portal and bring the Russian and Turkmen catalogues up to date with them.

A text that is new or has changed arrives untranslated, never guessed; one that is gone is dropped.
"""

from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "translations"
KEYWORDS = dict(DEFAULT_KEYWORDS, lazy_gettext=None, lazy_ngettext=(1, 2), lazy_pgettext=((1, "c"), 2), _l=None)
LANGUAGES = ("ru", "tk")


def texts() -> Catalog:
    """Every text that the code and the templates show, with the notes for translators beside it."""
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    catalog = Catalog(project="portal", version="1", copyright_holder="the portal", msgid_bugs_address="")
    found = extract_from_dir(ROOT, methods, options, KEYWORDS, comment_tags=("L10N:",), strip_comment_tags=True)
    for file, line, text, comments, context in found:
        catalog.add(text, locations=[(file, line)], auto_comments=comments, context=context)
    return catalog


def kept(language: str) -> Catalog:
    """The catalogue of `language` as it is in the project."""
    path = TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


def main() -> None:
    found = texts()
    for language in LANGUAGES:
        path = TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
        catalog = kept(language) if path.exists() else Catalog(locale=language, fuzzy=False)
        found.creation_date = catalog.creation_date  # a date that changes at each run says nothing
        catalog.update(found, no_fuzzy_matching=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            # Without the numbers of lines, which would change in each commit.
            write_po(file, catalog, width=120, ignore_obsolete=True, sort_by_file=True, include_lineno=False)
        missing = [message for message in catalog if message.id and not all(forms(message))]
        print(f"{language}: {len(catalog)} texts, {len(missing)} to translate")


def forms(message: Message) -> tuple[str, ...]:
    """The translation in each of its plural forms, one where it has none."""
    return (message.string or "",) if isinstance(message.string, str | None) else tuple(message.string)


if __name__ == "__main__":
    main()
