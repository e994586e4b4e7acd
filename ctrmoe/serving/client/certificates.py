"""The certificates of a client's options."""

from __future__ import annotations

import ssl

from ctrmoe.config import ConfigError
from ctrmoe.serving.client.options import ClientOptions


def tls_context(options: ClientOptions) -> ssl.SSLContext:
    """Returns what an encrypted connection trusts and shows.

    Raises:
        ConfigError: If a file can't be read or holds something else.
    """
    roots = options.root_certificates
    try:
        context = ssl.create_default_context(cafile=str(roots) if roots else None)
    except OSError as error:  # of its content too
        raise ConfigError(
            f"`root_certificates` must be a PEM file of certificates. Received: {roots} ({error})."
        ) from error
    if options.client_certificate:
        try:
            context.load_cert_chain(options.client_certificate, options.client_key)
        except OSError as error:
            raise ConfigError(
                "`client_certificate` and `client_key` must be PEM files of a pair. Received: "
                f"{options.client_certificate}, {options.client_key} ({error})."
            ) from error
    return context
