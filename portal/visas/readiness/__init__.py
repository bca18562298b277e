"""How ready the passengers of a sailing are for its countries, and what would be if a call were left out."""
