"""Changes of entry rules: asked for by one person, let in force by another, their reach shown before."""
