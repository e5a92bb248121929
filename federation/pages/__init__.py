"""The pages on which people log in with their organization."""
