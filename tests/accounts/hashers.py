"""A password hash that counts itself, and lets something happen while it is computed."""

from collections.abc import Callable
from typing import ClassVar

from tests.running.hashers import FastArgon2


class WatchedArgon2(FastArgon2):
    computed: ClassVar[int] = 0
    meanwhile: ClassVar[Callable[[], object] | None] = None

    def encode(self, password: str, salt: str) -> str:
        type(self).computed += 1
        encoded = super().encode(password, salt)
        self._let_it_happen()
        return encoded

    def verify(self, password: str, encoded: str) -> bool:
        type(self).computed += 1
        is_right = super().verify(password, encoded)
        self._let_it_happen()
        return is_right

    def _let_it_happen(self) -> None:
        happens, WatchedArgon2.meanwhile = WatchedArgon2.meanwhile, None
        if happens is not None:
            happens()


class StrongerArgon2(WatchedArgon2):
    """What the parameters become when somebody raises them."""

    time_cost = 2
