"""The one kind of error that a person is shown as a sentence, with exit code 2."""


class Refusal(Exception):
    """Chatfold cannot go on until somebody does what the text says."""
