"""What is asked of authorities for passengers: visa cases, invitation packs and lists of groups."""
