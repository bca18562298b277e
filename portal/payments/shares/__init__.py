"""Several payers for a booking: each with a share of what is owed, a private link and receipts of his own."""
