"""Screens for staff: no tables and no rules of their own, only calls to the services of other packages."""
