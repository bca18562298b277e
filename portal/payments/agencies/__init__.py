"""Agencies that answer for the price of bookings: credit within a limit, commission, invoices and a running account."""
