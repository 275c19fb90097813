"""Answers leave gunicorn in one piece, so that a process dies before an answer or after it."""

from config.answering import LARGEST, Gathered


class Wire:
    """What a socket was told to send, call by call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.sent.append(bytes(data))

    def fileno(self) -> int:
        return 7


def test_headers_body_and_end_leave_together() -> None:
    wire = Wire()
    answer = Gathered(wire)  # type: ignore[arg-type]
    for piece in (b"headers", b"body", b"end"):
        answer.sendall(piece)

    assert wire.sent == []
    answer.flush()
    answer.flush()
    assert wire.sent == [b"headersbodyend"]


def test_a_large_answer_leaves_in_large_pieces() -> None:
    wire = Wire()
    answer = Gathered(wire)  # type: ignore[arg-type]
    piece = b"x" * (LARGEST // 2)
    for _ in range(5):
        answer.sendall(piece)
    answer.flush()

    assert wire.sent == [piece * 2, piece * 2, piece]


def test_everything_else_is_the_sockets() -> None:
    assert Gathered(Wire()).fileno() == 7  # type: ignore[arg-type]
