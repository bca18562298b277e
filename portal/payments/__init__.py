"""What was paid: payments by card and by transfer, and what the provider told us."""
