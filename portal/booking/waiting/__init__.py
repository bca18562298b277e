"""The waiting list of sailings: who is in line for a cabin, and what was offered to whom."""
