"""Keyhouse as it is, with one more view: a service that lets in with its authentication classes."""
