"""Tokens a second of processor time (user and system), for each program.

The same file of EdDSA tokens of 8 claims, one key, the same checks: signature, exp, nbf,
issuer, audience. Every tenth token of a sample is spoilt, and everybody must find all of
those before the time is taken. A program that starts for each token is given fewer."""

import argparse
import base64
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://auth.example/realms/shop"
AUDIENCE = "https://api.example/orders"
# At least so many EdDSA tokens a second of processor time, with one key that is busy.
TARGET = 100_000
HERE = Path(__file__).parent


def tokens(key, count):
    now = int(time.time())
    for number in range(count):
        claims = {
            "iss": ISSUER,
            "sub": f"user-{number:08}",
            "aud": AUDIENCE,
            "exp": now + 6 * 3600,
            "nbf": now - 1,
            "iat": now - 1,
            "jti": f"{number:022}",
            "scope": "orders:read orders:write",
        }
        yield jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "batch"})


def spoilt(token):
    """The same token with another signature."""
    place = len(token) - 20
    return token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :]


def processor_seconds(command, **options):
    """Runs it to its end: seconds of processor time, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return used, done


class Program:
    """One way to verify a file of tokens."""

    def __init__(self, name, count, verify):
        self.name, self.count, self.verify = name, count, verify
        self.times = []


def programs(folder, count):
    pem, jwks = folder / "public.pem", folder / "jwks.json"

    def ours(*more):
        def verify(file):
            command = [os.environ["TOKENWRIGHT_BIN"], "verify", "--lines", "--without-revocation"]
            command += ["--iss", ISSUER, "--aud", AUDIENCE, "--jwks", str(jwks), *more]
            with open(file, "rb") as lines:
                used, done = processor_seconds(command, stdin=lines, stderr=subprocess.DEVNULL)
            return used, sum(1 for line in done.stdout.splitlines() if good(line))

        return verify

    def counting(*command):
        def verify(file):
            full = [part if part != "TOKENS" else str(file) for part in command]
            used, done = processor_seconds(full)
            return used, int(done.stdout)

        return verify

    def jwt_cli(file):
        used = accepted = 0
        for token in file.read_text().splitlines():
            command = [os.environ["BATCH_JWT_CLI"], "decode", "--alg", "EDDSA", "--secret", f"@{pem}", token]
            seconds, done = processor_seconds(command, stderr=subprocess.DEVNULL)
            used += seconds
            accepted += done.returncode == 0
        return used, accepted

    node = ("node", os.environ["BATCH_NODE_PEER"])
    rest = ("TOKENS", str(pem), ISSUER, AUDIENCE)
    return [
        Program("tokenwright verify --lines", count, ours()),
        Program("tokenwright verify --lines --jobs 1", count, ours("--jobs", "1")),
        Program("PyJWT 2.15", count // 10, counting(sys.executable, str(HERE / "python_peer.py"), *rest)),
        Program("fast-jwt 6.3 (Node)", count // 10, counting(*node, "fast-jwt", *rest)),
        Program("jose 6.2 (Node)", count // 10, counting(*node, "jose", *rest)),
        Program("jwt-cli 6.2, one process a token", max(100, count // 500), jwt_cli),
    ]


def good(line):
    """A line of ours with the claims of a token that is valid; the others have none."""
    return line.startswith(b"{")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tokens", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json")
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        key = Ed25519PrivateKey.generate()
        public = key.public_key()
        (folder / "public.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        raw = base64.urlsafe_b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode().rstrip("=")
        member = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "batch", "use": "sig", "x": raw}
        (folder / "jwks.json").write_text(json.dumps({"keys": [member]}))
        everything = list(tokens(key, arguments.tokens))
        every = programs(folder, arguments.tokens)
        sample = [spoilt(token) if place % 10 == 3 else token for place, token in enumerate(everything[:200])]
        (folder / "sample").write_text("".join(f"{token}\n" for token in sample))
        for program in every:
            _, accepted = program.verify(folder / "sample")
            if accepted != 180:
                sys.exit(f"{program.name} accepts {accepted} of 200 tokens, of which 20 are spoilt")
            lines = "".join(f"{token}\n" for token in everything[: program.count])
            (folder / str(program.count)).write_text(lines)
        for _ in range(arguments.rounds):
            for program in every:
                used, accepted = program.verify(folder / str(program.count))
                if accepted != program.count:
                    sys.exit(f"{program.name} accepts {accepted} of {program.count} good tokens")
                program.times.append(program.count / used)
        report(every, arguments.json)


def report(every, path):
    rates = {program.name: statistics.median(program.times) for program in every}
    ours, peers = rates[every[0].name], [rates[program.name] for program in every[2:]]
    print(f"{'tokens a second of processor time':<40} {'median':>10} {'least':>10} {'most':>10} {'ours is':>10}")
    for program in every:
        rate = rates[program.name]
        print(
            f"{program.name:<40} {rate:>10,.0f} {min(program.times):>10,.0f}"
            f" {max(program.times):>10,.0f} {ours / rate:>9.1f}×"
        )
    verdict = "met" if ours >= TARGET else "MISSED"
    print(f"target: {TARGET:,} with one busy key: {verdict}; {ours / max(peers):.1f} times the fastest peer")
    if path:
        rows = [
            {"op": "verify --lines EdDSA", "program": name, "tokens_per_cpu_second": round(rate), "target": TARGET}
            for name, rate in rates.items()
        ]
        Path(path).write_text(json.dumps(rows, indent=2) + "\n")
    sys.exit(0 if ours >= TARGET else 1)


if __name__ == "__main__":
    main()
