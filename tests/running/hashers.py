"""Argon2 as in production, but with parameters that cost next to nothing."""

from accounts.passwords.hashing import BoundedArgon2


class FastArgon2(BoundedArgon2):
    time_cost = 1
    memory_cost = 8
    parallelism = 1
