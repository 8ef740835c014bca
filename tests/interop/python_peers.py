"""The Python peers: one JSON request a line in, one JSON answer a line out.

Usage: python_peers.py pyjwt|joserfc|pyseto

A key travels as {"form": "jwk"|"pem"|"paserk", "text": ...}. Every request is a JSON
object with "op"; the answer holds "ok", and "error" when it is false.
"""

import json
import sys
import warnings
from importlib.metadata import version

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
HASH_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
WEB_ALGORITHMS = [f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in (256, 384, 512)]


def private_key_for(alg):
    """A new asymmetric key for a JOSE algorithm."""
    if alg in CURVES:
        return ec.generate_private_key(CURVES[alg]())
    if alg in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def secret_pem(key, passphrase=None):
    lock = serialization.NoEncryption()
    if passphrase is not None:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


class PyJwt:
    """PyJWT; its keys are those of `cryptography`, whose encrypted PKCS#8 is tested here too."""

    package = "PyJWT"
    algorithms = WEB_ALGORITHMS + ["EdDSA"]
    forms = ["jwk", "pem"]
    locks = ["pkcs8"]

    def __init__(self):
        import jwt

        self.jwt = jwt
        self.methods = jwt.algorithms.get_default_algorithms()

    def key(self, alg, key):
        if key["form"] == "jwk":
            return self.methods[alg].from_jwk(key["text"])
        return key["text"]

    def generate(self, alg):
        import secrets

        method = self.methods[alg]
        if alg in HASH_BYTES:
            jwk = json.dumps(method.to_jwk(secrets.token_bytes(HASH_BYTES[alg]), as_dict=True))
            return {"secret": {"jwk": jwk}, "public": {"jwk": jwk}}
        key = private_key_for(alg)
        return {
            "secret": {"jwk": method.to_jwk(key), "pem": secret_pem(key)},
            "public": {"jwk": method.to_jwk(key.public_key()), "pem": public_pem(key)},
        }

    def mint(self, alg, key, claims, kid=None, **_):
        headers = {"kid": kid} if kid else None
        return {"token": self.jwt.encode(claims, self.key(alg, key), algorithm=alg, headers=headers)}

    def verify(self, alg, key, token, iss, aud, **_):
        required = ["iss", "aud", "exp", "iat", "sub"]
        claims = self.jwt.decode(
            token, self.key(alg, key), algorithms=[alg], issuer=iss, audience=aud, options={"require": required}
        )
        return {"claims": claims}

    def sign(self, alg, key, payload, **_):
        token = self.jwt.api_jws.encode(payload.encode(), self.key(alg, key), algorithm=alg)
        return {"token": token}

    def unlock(self, text, passphrase, **_):
        key = serialization.load_pem_private_key(text.encode(), passphrase.encode())
        return {"secret": {"form": "pem", "text": secret_pem(key)}}

    def lock(self, alg, passphrase, **_):
        key = private_key_for(alg)
        return {"text": secret_pem(key, passphrase), "public": {"form": "pem", "text": public_pem(key)}}


class JoseRfc:
    """joserfc; also opens and makes keys locked as a JWE (RFC 7517 appendix C)."""

    package = "joserfc"
    algorithms = WEB_ALGORITHMS + ["EdDSA", "Ed25519"]
    forms = ["jwk", "pem"]
    locks = ["jwe"]
    JWE = ["PBES2-HS512+A256KW", "A256GCM"]

    def __init__(self):
        from joserfc import jwe, jwk, jws, jwt

        self.jwe, self.jwk, self.jws, self.jwt = jwe, jwk, jws, jwt

    def key(self, alg, key):
        if key["form"] == "jwk":
            return self.jwk.import_key(json.loads(key["text"]))
        kind = {"R": "RSA", "P": "RSA", "H": "oct"}.get(alg[0], "EC" if alg in CURVES else "OKP")
        return self.jwk.import_key(key["text"], kind)

    def new_key(self, alg):
        if alg in HASH_BYTES:
            return self.jwk.generate_key("oct", HASH_BYTES[alg] * 8)
        if alg in CURVES:
            return self.jwk.generate_key("EC", {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg])
        if alg in ("EdDSA", "Ed25519"):
            return self.jwk.generate_key("OKP", "Ed25519")
        return self.jwk.generate_key("RSA", 2048)

    def generate(self, alg):
        key = self.new_key(alg)
        secret = {"jwk": json.dumps(key.as_dict(private=True))}
        if alg in HASH_BYTES:
            return {"secret": secret, "public": secret}
        secret["pem"] = key.as_pem(private=True).decode()
        public = {"jwk": json.dumps(key.as_dict(private=False)), "pem": key.as_pem(private=False).decode()}
        return {"secret": secret, "public": public}

    def mint(self, alg, key, claims, kid=None, **_):
        header = {"alg": alg, **({"kid": kid} if kid else {})}
        return {"token": self.jwt.encode(header, claims, self.key(alg, key), algorithms=[alg])}

    def verify(self, alg, key, token, iss, aud, **_):
        decoded = self.jwt.decode(token, self.key(alg, key), algorithms=[alg])
        must = {"essential": True}
        self.jwt.JWTClaimsRegistry(
            iss={**must, "value": iss}, aud={**must, "value": aud}, exp=must, iat=must, sub=must
        ).validate(decoded.claims)
        return {"claims": decoded.claims}

    def sign(self, alg, key, payload, **_):
        token = self.jws.serialize_compact({"alg": alg}, payload, self.key(alg, key), algorithms=[alg])
        return {"token": token}

    def unlock(self, text, passphrase, **_):
        opened = self.jwe.decrypt_compact(text, self.jwk.OctKey.import_key(passphrase), algorithms=self.JWE)
        return {"secret": {"form": "jwk", "text": opened.plaintext.decode()}}

    def lock(self, alg, passphrase, **_):
        key = self.new_key(alg)
        private = {**key.as_dict(private=True), "alg": alg}
        header = {"alg": self.JWE[0], "enc": self.JWE[1], "cty": "jwk+json"}
        text = self.jwe.encrypt_compact(
            header, json.dumps(private), self.jwk.OctKey.import_key(passphrase), algorithms=self.JWE
        )
        public = private if alg in HASH_BYTES else key.as_dict(private=False)
        return {"text": text, "public": {"form": "jwk", "text": json.dumps(public)}}


class PySeto:
    """pyseto: PASETO version 4 and PASERK."""

    package = "pyseto"
    algorithms = ["v4.public", "v4.local"]
    forms = ["paserk", "pem"]
    locks = []

    def __init__(self):
        import pyseto

        self.pyseto = pyseto

    def key(self, alg, key):
        if key["form"] == "paserk":
            return self.pyseto.Key.from_paserk(key["text"])
        return self.pyseto.Key.new(version=4, purpose=alg.split(".")[1], key=key["text"])

    def generate(self, alg):
        import secrets

        if alg == "v4.local":
            key = self.pyseto.Key.new(version=4, purpose="local", key=secrets.token_bytes(32))
            return {"secret": {"paserk": key.to_paserk()}, "public": {"paserk": key.to_paserk()}, "id": key.to_paserk_id()}
        private = ed25519.Ed25519PrivateKey.generate()
        pems = {"secret": secret_pem(private), "public": public_pem(private)}
        keys = {half: self.pyseto.Key.new(version=4, purpose="public", key=pem) for half, pem in pems.items()}
        answer = {half: {"pem": pems[half], "paserk": key.to_paserk()} for half, key in keys.items()}
        return {**answer, "id": keys["public"].to_paserk_id()}

    def identify(self, alg, key, **_):
        return {"id": self.key(alg, key).to_paserk_id()}

    def mint(self, alg, key, claims, footer="", implicit="", **_):
        payload = json.dumps(claims, ensure_ascii=False).encode()
        token = self.pyseto.encode(
            self.key(alg, key), payload, footer=footer.encode(), implicit_assertion=implicit.encode()
        )
        return {"token": token.decode()}

    def verify(self, alg, key, token, iss, aud, implicit="", **_):
        token = self.pyseto.decode(
            self.key(alg, key), token, implicit_assertion=implicit.encode(), deserializer=json, aud=aud
        )
        if token.payload.get("iss") != iss:
            raise ValueError("another issuer")
        footer = token.footer if isinstance(token.footer, str) else (
            token.footer.decode() if isinstance(token.footer, bytes) else json.dumps(token.footer)
        )
        return {"claims": token.payload, "footer": footer}


class TokenStatusList:
    """token-status-list: the lists of that draft, with PyJWT for the signatures."""

    package = "token-status-list"
    algorithms, forms, locks, lists = [], ["jwk"], [], True
    TYPE = "statuslist+jwt"

    def __init__(self):
        import jwt
        import token_status_list

        self.jwt, self.lists_of = jwt, token_status_list.BitArray

    def key(self, alg, key):
        return self.jwt.PyJWK.from_json(key["text"], algorithm=alg).key

    def publish(self, alg, key, kid, uri, bits, statuses, iat, exp, ttl):
        listed = self.lists_of.of_size(bits, len(statuses))
        for index, status in enumerate(statuses):
            listed[index] = status
        claims = {"sub": uri, "iat": iat, "exp": exp, "ttl": ttl, "status_list": listed.dump()}
        headers = {"typ": self.TYPE, "kid": kid}
        return {"token": self.jwt.encode(claims, self.key(alg, key), algorithm=alg, headers=headers)}

    def look_up(self, alg, key, token, uri):
        must = {"require": ["sub", "iat"]}
        claims = self.jwt.decode(token, self.key(alg, key), algorithms=[alg], subject=uri, options=must)
        if self.jwt.get_unverified_header(token).get("typ") != self.TYPE:
            raise ValueError("another type")
        listed = self.lists_of.load(claims["status_list"])
        statuses = [listed[index] for index in range(len(listed))]
        return {"bits": listed.bits, "statuses": statuses, "ttl": claims["ttl"]}


PEERS = {"pyjwt": PyJwt, "joserfc": JoseRfc, "pyseto": PySeto, "token-status-list": TokenStatusList}


def answer(peer, request):
    operation = request.pop("op")
    if operation == "describe":
        return {
            "name": peer.package,
            "version": version(peer.package),
            "algorithms": peer.algorithms,
            "forms": peer.forms,
            "locks": peer.locks,
            "lists": getattr(peer, "lists", False),
        }
    return getattr(peer, operation)(**request)


def main():
    warnings.simplefilter("ignore")
    peer = PEERS[sys.argv[1]]()
    for line in sys.stdin:
        try:
            reply = {"ok": True, **answer(peer, json.loads(line))}
        except Exception as error:  # whatever a peer refuses with is an answer here
            reply = {"ok": False, "error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
