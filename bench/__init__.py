"""Measures Keyhouse beside its peers, on this machine: ./run bench. Nothing of Keyhouse imports it."""
