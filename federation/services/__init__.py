"""Use cases: set up a provider, prove domains, map roles, log in."""
