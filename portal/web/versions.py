"""Versions of the texts that people agree to; a change of a text is a new version here."""

TERMS_VERSION = "2024-02-01"
CONSENT_VERSION = "2024-02-01"
