"""Paying in parts: what is offered, what a booking has chosen, and who is reminded of it."""
