"""Whether a key that a person may have chosen takes enough guesses. Independent of Django."""

import math
from collections.abc import Sequence
from operator import sub

LEAST_BITS = 80.0  # 20 random characters have about as many
# n log n by n: computing the logarithms for each key would take longer than all else.
PARTS = [0.0, *(count * math.log2(count) for count in range(1, 257))]


def is_enough(text: str) -> bool:
    """Whether `text`, of at most 256 characters, has an estimated entropy of LEAST_BITS or more.

    The estimate is the smaller of that of its characters and of the steps between them, without repetitions;
    it is low for words, sequences and repetitions.
    """
    size = (text + text).find(text, 1)  # the length of the part that the text repeats, or its own
    codes = text[:size].encode()
    return _has_enough(codes) and _has_enough(list(map(sub, codes[1:], codes)))


def _has_enough(values: Sequence[int]) -> bool:
    """Whether Shannon's entropy of all is enough: n log n, less k log k for each value that comes k times."""
    number, different = len(values), set(values)
    if PARTS[number] - PARTS[number - len(different) + 1] >= LEAST_BITS:  # if all but one came once
        return True
    return PARTS[number] - sum(PARTS[values.count(each)] for each in different) >= LEAST_BITS
