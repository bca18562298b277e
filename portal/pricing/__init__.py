"""What it costs: fares, cancellation rules, quotes."""
