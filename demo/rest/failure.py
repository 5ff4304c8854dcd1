"""Refusals of a question, as HTTP tells them."""


class Refusal(Exception):
    """A question without an answer.

    Attributes:
        status: of HTTP.
        sentence: that tells why; both protocols send it as `{"error": ...}`.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
