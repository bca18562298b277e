"""What was agreed: bookings, passengers, charges."""
