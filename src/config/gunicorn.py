"""The web server's configuration, read by ``gunicorn -c src/config/gunicorn.py config.wsgi``."""

import gc
import os
from pathlib import Path
from typing import Any

from environs import env, validate
from prometheus_client import multiprocess

host = env.str("COMPTOIR_HOST", "127.0.0.1")
port = env.int("COMPTOIR_PORT", 8000, validate=validate.Range(1, 65535))

bind = f"{host}:{port}"
pythonpath = str(Path(__file__).resolve().parent.parent)
worker_class = "config.answering.Worker"
# Files go the same way as everything else.
sendfile = False
workers = env.int("COMPTOIR_WORKERS", 2, validate=validate.Range(1))
threads = env.int("COMPTOIR_THREADS", 4, validate=validate.Range(1))
# Each worker loads the application itself: a database connection or a pool's threads would not survive the fork.
preload_app = False

# Who would wait behind more connections than these has given up, and nginx tries another replica.
backlog = 256
timeout = 60
graceful_timeout = 10
# Longer than nginx keeps its own.
keepalive = 30
# All servers of an account would share this one socket, and nothing here uses it.
control_socket_disable = True

# RequestMiddleware logs the requests; gunicorn's own lines look like the others.
accesslog = None
logger_class = "config.answering.QuietLogger"
loglevel = "warning"
logconfig_dict = {
    "formatters": {"json": {"()": "config.logging.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"gunicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}


def post_worker_init(worker: Any) -> None:
    """Spare the garbage collector what stays anyway, and requests a collection every few rows.

    A report makes tens of thousands of small objects: it takes a quarter less time so.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def child_exit(server: Any, worker: Any) -> None:
    """Remove a finished worker from the sums that `/metrics` reports of what is going on now."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
