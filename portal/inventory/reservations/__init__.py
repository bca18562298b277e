"""Options and allotments: cabins kept for an agency until a date."""
