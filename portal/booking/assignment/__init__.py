"""Which cabin those get who bought a category: tried first, then done."""
