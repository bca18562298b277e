"""Statements of our bank account: read, matched with what is awaited, and a queue for what matches nothing."""
