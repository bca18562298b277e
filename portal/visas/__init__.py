"""Which papers a passenger needs for each country called at, and whether those handed in will do."""
