"""Double entry: every sum that a booking owes, pays or gets back, written once and never changed."""
