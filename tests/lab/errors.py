"""The lab's one exception: what went wrong, and what the reader can do about it."""


class LabError(Exception):
    """Says why the lab cannot be had, with a hint on what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}"
