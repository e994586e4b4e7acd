"""REST, within an event loop."""

from __future__ import annotations

from typing import Any

from ctrmoe.config import ConfigError
from ctrmoe.extras import check_extra
from ctrmoe.serving.client.async_client import AsyncClient
from ctrmoe.serving.client.certificates import tls_context
from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.serving_error import ServingError
from ctrmoe.serving.client.signature import Signature

check_extra("serving", "A REST client")

import httpx  # noqa: E402

from ctrmoe.serving.client import json_form  # noqa: E402

MAX_PORT = 65535


class AsyncRestClient(AsyncClient):
    """Asks a model over REST; see `AsyncClient`.

    Args:
        address: Such as `http://127.0.0.1:8501`, or https.
        model: Name of the model.
        options: The defaults if left out.

    Raises:
        ConfigError: If the address is none, or a certificate.
    """

    def __init__(self, address: str, model: str, options: ClientOptions | None = None) -> None:
        super().__init__(model, options)
        _check_address(address)
        self._path = json_form.model_path(model, self.options)
        key = self.options.api_key
        self._http = httpx.AsyncClient(
            base_url=address,
            headers={"content-type": "application/json", **({"x-api-key": key} if key else {})},
            verify=tls_context(self.options),
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def _send(self, signature: Signature, arrays: Arrays, seconds: float) -> Answer:
        content = json_form.body(signature.name, arrays)
        response = await self._request("POST", f"{self._path}:predict", seconds, content)
        json_form.check(response.status_code, response.content)
        return json_form.answer_of(response.content, signature)

    async def _metadata(self, seconds: float) -> dict[str, Any]:
        response = await self._request("GET", f"{self._path}/metadata", seconds)
        return json_form.parsed(response.status_code, response.content)

    async def _status(self, seconds: float) -> dict[str, Any]:
        response = await self._request("GET", self._path, seconds)
        return json_form.parsed(response.status_code, response.content)

    async def _request(
        self, method: str, path: str, seconds: float, content: bytes | None = None
    ) -> httpx.Response:
        try:
            return await self._http.request(method, path, content=content, timeout=seconds)
        except httpx.TimeoutException as error:
            raise ServingError("DEADLINE_EXCEEDED", f"No answer within {seconds} s") from error
        except httpx.TransportError as error:
            # Asking again is safe: a prediction changes nothing.
            raise ServingError("UNAVAILABLE", str(error) or type(error).__name__) from error


def _check_address(address: str) -> None:
    try:
        url = httpx.URL(address)
        right = url.scheme in ("http", "https") and url.host and (url.port or 0) <= MAX_PORT
    except httpx.InvalidURL:
        right = False
    if not right:
        raise ConfigError(
            f"`address` must be http://HOST:PORT or https://HOST:PORT. Received: {address!r}."
        )
