"""What the live run and the fixture maker share: talking to a peer, claims, tampering."""

import base64
import json
import os
import random
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

ISSUER = "https://auth.example"
AUDIENCE = "orders-api"
HERE = Path(__file__).resolve().parent


class Refused(Exception):
    """A peer answered with an error."""


class Peer:
    """A program that answers one JSON line with one JSON line."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        about = self.ask("describe")
        self.name, self.version = about["name"], about["version"]
        self.algorithms, self.forms, self.locks = about["algorithms"], about["forms"], about["locks"]
        self.lists = about.get("lists", False)

    def ask(self, operation, **request):
        self.process.stdin.write(json.dumps({"op": operation, **request}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"interop: {getattr(self, 'name', 'a peer')} ended during {operation}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        if self.process.wait(timeout=30) != 0:
            raise SystemExit(f"interop: {self.name} ended with an error")


class OpenSsl:
    """The openssl program: opens and makes encrypted PKCS#8 files, nothing else."""

    name, algorithms, forms, locks, lists = "openssl", [], ["pem"], ["pkcs8"], False
    KINDS = {
        "EdDSA": ["-algorithm", "ED25519"],
        "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ES384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "ES512": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    }

    def __init__(self):
        self.version = self.call(["version"], "").split()[1]

    @staticmethod
    def call(arguments, text, passphrase=None):
        environment = {**os.environ, "INTEROP_PASSPHRASE": passphrase or ""}
        done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise Refused(done.stderr.strip().splitlines()[-1] if done.stderr else "openssl refused")
        return done.stdout

    def ask(self, operation, **request):
        if operation == "unlock":
            opened = self.call(["pkcs8", "-passin", "env:INTEROP_PASSPHRASE"], request["text"], request["passphrase"])
            return {"secret": {"form": "pem", "text": opened}}
        secret = self.call(["genpkey", *self.KINDS[request["alg"]]], "")
        locking = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "10000"]
        text = self.call([*locking, "-passout", "env:INTEROP_PASSPHRASE"], secret, request["passphrase"])
        return {"text": text, "public": {"form": "pem", "text": self.public(secret)}}

    def public(self, secret):
        return self.call(["pkey", "-pubout"], secret)

    def close(self):
        pass


def python_peer(name):
    return Peer([sys.executable, str(HERE / "python_peers.py"), name])


def all_peers():
    return [
        python_peer("pyjwt"),
        python_peer("joserfc"),
        Peer(["node", os.environ["INTEROP_NODE_PEER"]]),
        python_peer("pyseto"),
        python_peer("token-status-list"),
        Peer(["node", os.environ["INTEROP_NODE_STATUS_LISTS"]]),
    ]


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_paseto(alg):
    return alg.startswith("v4.")


TEXTS = ["plain", "", "žluťoučký kůň", "日本語", "🦀 and \u200d joined", 'quote " and \\ back', "line\nand\ttab", "<script>&amp;"]


def claims_for(alg, now, pick):
    """Claims with every registered name and custom ones of every JSON type."""
    times = {"iat": now, "nbf": now - pick.randrange(0, 60), "exp": now + pick.randrange(300, 900)}
    if is_paseto(alg):
        times = {name: rfc3339(value) for name, value in times.items()}
    return {
        "iss": ISSUER,
        "sub": f"user-{pick.randrange(10**9)}",
        "aud": AUDIENCE,
        **times,
        "jti": f"{pick.getrandbits(128):032x}",
        "sid": f"session-{pick.randrange(10**6)}",
        "scope": "orders:read orders:write",
        "text": pick.choice(TEXTS),
        "number": pick.choice([0, -1, 2**53 - 1, -(2**53) + 1, 1.5, 1e-7, 12345678901]),
        "flag": pick.choice([True, False, None]),
        "nested": {"list": [1, "two", [3.25, {"four": None}]], "empty": {}, "none": []},
    }


def comparable(claims):
    """The same claims from every library: one audience as a list, times as seconds."""
    seen = dict(claims)
    if isinstance(seen.get("aud"), str):
        seen["aud"] = [seen["aud"]]
    for name in ("iat", "nbf", "exp"):
        if isinstance(seen.get(name), str):
            seen[name] = datetime.fromisoformat(seen[name].replace("Z", "+00:00")).timestamp()
    return seen


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def armoured(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_flipped_bit(part, pick, first=0, last=None):
    data = bytearray(unpadded(part))
    at = pick.randrange(first, len(data) if last is None else last)
    data[at] ^= 1 << pick.randrange(8)
    return armoured(bytes(data))


def tampered(alg, token, other, pick):
    """Named copies of a token, each changed in one way; `other` is another token of the same key."""
    if is_paseto(alg):
        version, purpose, body, *footer = token.split(".")
        rest = "".join(f".{part}" for part in footer)
        size = len(unpadded(body))
        another = armoured(b'{"kid":"another"}')
        return {
            "first half": f"{version}.{purpose}.{with_flipped_bit(body, pick, 0, size // 2)}{rest}",
            "last bytes": f"{version}.{purpose}.{with_flipped_bit(body, pick, size - 32)}{rest}",
            "cut off": f"{version}.{purpose}.{armoured(unpadded(body)[:-1])}{rest}",
            "footer": f"{version}.{purpose}.{body}.{another}",
            "other version": f"v3.{purpose}.{body}{rest}",
        }
    header, payload, signature = token.split(".")
    named = json.loads(unpadded(header))
    as_none = armoured(json.dumps({**named, "alg": "none"}).encode())
    return {
        "header": f"{with_flipped_bit(header, pick)}.{payload}.{signature}",
        "payload": f"{header}.{with_flipped_bit(payload, pick)}.{signature}",
        "signature": f"{header}.{payload}.{with_flipped_bit(signature, pick)}",
        "signature cut off": f"{header}.{payload}.{armoured(unpadded(signature)[:-1])}",
        "no signature": f"{header}.{payload}.",
        "none": f"{as_none}.{payload}.",
        "other signature": f"{header}.{payload}.{other.split('.')[2]}",
    }


def picker(seed):
    return random.Random(seed)


