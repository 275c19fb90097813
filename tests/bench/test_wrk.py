"""wrk, and the script that tells it what to send."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.bench.cases import Request
from tests.bench.load import wrk


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """wrk leaves in the middle of an answer."""


class Recorder:
    """A web server that answers everything, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                said = self.headers["X-Cart-Token"], self.headers["Authorization"]
                recorder.asked.append((self.path, body, *said))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


def test_wrk_sends_each_request_once_with_its_own_headers_and_then_it_is_over() -> None:
    recorder = Recorder()
    Thread(target=recorder.server.serve_forever, args=[0.05], daemon=True).start()
    requests = [Request("POST", f"/{number}", "{}", {"X-Cart-Token": f"token {number}"}) for number in range(40)]

    figures = wrk(recorder.address, requests, headers={"Authorization": "me"}, clients=1, seconds=1, once=True)
    recorder.server.shutdown()
    recorder.server.server_close()

    # wrk asks its script for one request more than it sends.
    assert recorder.asked[:39] == [(f"/{number}", "{}", f"token {number}", "me") for number in range(1, 40)]
    assert (figures.requests, figures.errors) == (39, 0)
    assert figures.per_second > 39
