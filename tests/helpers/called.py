"""What the tests let a worker call: in a module that imports little, since a worker's memory is bounded."""

from typing import Any

import numpy as np


def burn() -> None:
    while True:
        pass


def swallow() -> int:
    return len(bytearray(2**30))


def add(one: int, other: int) -> int:
    return one + other


def strange(images: Any) -> Any:
    return np.full(len(images), 2.0)
