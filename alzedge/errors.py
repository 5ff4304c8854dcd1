"""The one exception a user is meant to read."""


class UserError(Exception):
    """Bad input, explained in one sentence that names the thing and the cure.

    The command line prints the sentence and exits with code 2; a Python caller gets
    an ordinary exception. Anything else that escapes is a bug of ours.
    """


class DivergedError(UserError):
    """A training whose loss is no longer a number."""
