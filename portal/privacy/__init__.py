"""What a guest may ask about his own data: to what he agreed, who saw it, a copy of all, and that it be forgotten."""
