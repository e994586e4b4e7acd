"""The two ports of a server."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import uvicorn

from ctrmoe.config import ConfigError
from ctrmoe.serving.server.api_key import ApiKeyInterceptor
from ctrmoe.serving.server.connections import protocol_with_timeout
from ctrmoe.serving.server.messages import MessageInterceptor
from ctrmoe.serving.server.settings import Settings

HEALTH = "/grpc.health.v1.Health/"
MAX_THREADS = 64
MAX_HEAD_BYTES = 1 << 16
BACKLOG = 2048


class RestListener:
    """Serves an ASGI application in a thread.

    Args:
        application: What answers.
        settings: Address, TLS and limits.

    Raises:
        ConfigError: If the port is taken.
    """

    def __init__(self, application: Any, settings: Settings) -> None:
        config = uvicorn.Config(
            application,
            http=protocol_with_timeout(settings.header_timeout_seconds),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level=logging.ERROR,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=settings.max_connections,
            timeout_graceful_shutdown=max(int(settings.timeout_seconds), 1),
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
        self._socket = _bound(settings.host, "rest_port", settings.rest_port)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="rest", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Accepts no more and ends when what runs is answered."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class GrpcListener:
    """Serves gRPC services.

    Args:
        settings: Address, TLS and limits.

    Raises:
        ConfigError: If the port is taken.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.server = grpc.server(
            ThreadPoolExecutor(min(settings.max_concurrency, MAX_THREADS), "grpc"),
            interceptors=[ApiKeyInterceptor(settings.api_key, HEALTH), MessageInterceptor()],
            maximum_concurrent_rpcs=settings.max_concurrency,
            options=[
                ("grpc.max_receive_message_length", settings.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
        )
        # gRPC would write lines of its own where it can't.
        _bound(settings.host, "grpc_port", settings.grpc_port).close()
        try:
            self.port: int = self._bind(f"{url_host(settings.host)}:{settings.grpc_port}")
        except RuntimeError as error:  # it was taken just now
            raise _taken("grpc_port", settings.grpc_port, str(error)) from error

    def _bind(self, address: str) -> int:
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        if certificate is None or key is None:
            return self.server.add_insecure_port(address)
        pair = (Path(key).read_bytes(), Path(certificate).read_bytes())
        return self.server.add_secure_port(address, grpc.ssl_server_credentials([pair]))

    def start(self) -> None:
        """Begins to accept."""
        self.server.start()

    def close(self) -> None:
        """Accepts no more and ends when what runs is answered."""
        self.server.stop(self._settings.timeout_seconds).wait()


def url_host(host: str) -> str:
    """Returns a host as it stands before a port: IPv6 addresses have colons of their own."""
    return f"[{host}]" if ":" in host else host


def _bound(host: str, name: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once, without Nagle's delay, where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)  # clients may connect before the thread has begun to accept
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(
                f"`host` must be an address of this machine. Received: {host} ({error.strerror})."
            ) from error
        raise _taken(name, port, error.strerror or str(error)) from error
    return listener


def _taken(name: str, port: int, reason: str) -> ConfigError:
    return ConfigError(
        f"`{name}` must be free on the chosen host. Received: {port} ({reason}). Choose another, "
        "or 0 for any free one."
    )
