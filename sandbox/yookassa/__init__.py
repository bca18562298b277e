"""The part of YooKassa's API v3 that the portal uses, with its payment page and its unsigned notifications."""
