"""How reviewers share their work: who has which document, second looks, waivers, and how much waits."""
