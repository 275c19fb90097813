"""What whoever uses the embedded server is told when it cannot be used."""


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the message says why, and what to do, in words for people."""
