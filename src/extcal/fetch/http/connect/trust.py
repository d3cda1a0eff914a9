"""The authorities that TLS trusts: the operating system's. Environment variables are ignored."""

from __future__ import annotations

import os
import platform
import ssl

__all__ = ["new_ssl_context"]

# Where systems keep their certificates when OpenSSL's own paths lead nowhere.
_CERTIFICATE_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def new_ssl_context() -> ssl.SSLContext:
    """A TLS context that trusts the authorities of the operating system.

    SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE are ignored; an application with authorities of
    its own passes ``ssl_context``.
    """
    if platform.system() in ("Windows", "Darwin"):  # pragma: no cover - their stores need it
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # load_default_certs() would read the environment; the compiled-in paths do not.
    paths = ssl.get_default_verify_paths()
    files = (paths.openssl_cafile, *_CERTIFICATE_FILES)
    file = next((name for name in files if name and os.path.isfile(name)), None)
    directory = paths.openssl_capath if os.path.isdir(paths.openssl_capath or "") else None
    if file or directory:
        context.load_verify_locations(file, directory)
    return context
