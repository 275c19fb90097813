"""What the sandbox says when it will not do what it was asked."""

from dataclasses import dataclass


@dataclass(eq=False)
class Refused(Exception):
    """Nothing was done: the status to answer with, a code for programs, and words for people."""

    status: int
    code: str
    message: str
