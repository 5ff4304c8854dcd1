"""The one exception a user is meant to read."""

# Characters of a message, and of one word of a longer message, the beginning and the end of which are kept.
_LONG, _LONG_WORD = 1000, 200


class UserError(Exception):
    """Bad input, explained in one sentence that names the thing and the cure.

    The command line prints the sentence and exits with code 2; a Python caller gets
    an ordinary exception. Anything else that escapes is a bug of ours.

    Args:
        message: the sentence; a name or value of thousands of characters in it is cut.
        details: what else an error of a kind of its own holds.
    """

    def __init__(self, message: str, *details: object) -> None:
        short = message if len(message) <= _LONG else " ".join(map(_shortened, message.split(" ")))
        super().__init__(short, *details)


def _shortened(word: str) -> str:
    half = _LONG_WORD // 2
    return word if len(word) <= _LONG_WORD else f"{word[:half]}...{word[-half:]}"


class DivergedError(UserError):
    """A training whose loss is no longer a number."""
