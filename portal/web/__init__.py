"""Plumbing common to all views: language, filters, error pages, headers, pages kept ready, plain pages."""
