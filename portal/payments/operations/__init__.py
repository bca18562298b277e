"""Cancelling or postponing a whole sailing: one decision, and what follows for each of its bookings."""
