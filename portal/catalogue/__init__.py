"""What is sold: ships, decks, cabins, categories, ports, itineraries, port calls, sailings."""
