"""A broker with TLS, client certificates, SASL and an authorizer, and the certificates and tokens for it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from makiserve.testing.broker.kafka import free_ports

PASSWORD = "correct-horse-battery-staple"
MODULES = "org.apache.kafka.common.security"
SASL = "listener.name.sasl_ssl."


class Authority:
    """A certificate authority, and the certificates that it signs, as PEM files in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = new_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = directory / "ca.pem"
        self.certificate.write_bytes(self._sign(self._name, self._key, is_authority=True))

    def issue(self, name: str) -> Path:
        """A file with the private key and the certificate of this common name, good for 127.0.0.1."""
        key = new_key()
        certificate = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, is_authority=False)
        path = self._directory / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate
        )
        return path

    def _sign(self, subject: x509.Name, key: rsa.RSAPrivateKey, *, is_authority: bool) -> bytes:
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Issuer:
    """Signs tokens, and has the set of keys that a broker checks them with."""

    def __init__(self) -> None:
        self._key = new_key()

    def keys(self) -> str:
        """The public key, as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key = {"n": _integer(numbers.n), "e": _integer(numbers.e)}
        return json.dumps({"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", **key}]})

    def token(self, subject: str) -> str:
        """A token for an hour."""
        now = int(time.time())
        head = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        claims = {"sub": subject, "scope": "kafka", "iat": now, "exp": now + 3600, "aud": "kafka", "iss": "test"}
        signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@contextmanager
def token_endpoint(issuer: Issuer, subject: str, secret: str) -> Iterator[str]:
    """Serve tokens for the right secret, by the client credentials grant, and yield the address."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            expected = "Basic " + base64.b64encode(f"{subject}:{secret}".encode()).decode()
            is_right = self.headers["Authorization"] == expected
            body = {"access_token": issuer.token(subject), "expires_in": 3600} if is_right else {"error": "denied"}
            self.send_response(200 if is_right else 401)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


class Locks:
    """The settings of a broker that requires authentication and allows only what an ACL permits.

    The plain listener is for the super user: the test and the brokers themselves.

    Attributes:
        mutual: address of the listener for client certificates.
        sasl: address of the listener for SASL over TLS.
    """

    def __init__(self, directory: Path, authority: Authority, issuer: Issuer) -> None:
        ssl, sasl = free_ports(2)
        self.mutual, self.sasl = f"127.0.0.1:{ssl}", f"127.0.0.1:{sasl}"
        self._keys = directory / "jwks.json"
        self._keys.write_text(issuer.keys())
        listeners = f"SSL://{self.mutual},SASL_SSL://{self.sasl}"
        self.settings = {
            "listeners": listeners,
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "SSL:SSL,SASL_SSL:SASL_SSL",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(authority.issue("broker")),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority.certificate),
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512,OAUTHBEARER",
            f"{SASL}plain.sasl.jaas.config": f'{MODULES}.plain.PlainLoginModule required user_house="{PASSWORD}";',
            f"{SASL}scram-sha-512.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required;",
            f"{SASL}oauthbearer.sasl.jaas.config": f"{MODULES}.oauthbearer.OAuthBearerLoginModule required;",
            f"{SASL}oauthbearer.sasl.server.callback.handler.class": (
                f"{MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler"
            ),
            f"{SASL}oauthbearer.sasl.oauthbearer.jwks.endpoint.url": self._keys.as_uri(),
            f"{SASL}oauthbearer.sasl.oauthbearer.expected.audience": "kafka",
        }

    @property
    def jvm(self) -> str:
        """The JVM options of the broker in addition to its settings."""
        return f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys.as_uri()}"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _integer(number: int) -> str:
    return _encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
