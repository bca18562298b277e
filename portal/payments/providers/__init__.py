"""Who takes money for us online: one interface, one module for each provider, and which of them can take what."""
