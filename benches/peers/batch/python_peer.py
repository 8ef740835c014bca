"""Verifies one token a line of a file with PyJWT: python_peer.py TOKENS PUBLIC_PEM ISSUER AUDIENCE.

Prints how many were good."""

import sys

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

tokens, pem, issuer, audience = sys.argv[1:]
with open(pem, "rb") as file:
    key = load_pem_public_key(file.read())
options = {"require": ["exp", "iss", "aud"]}
good = 0
with open(tokens) as file:
    for line in file:
        try:
            jwt.decode(line.rstrip("\n"), key, algorithms=["EdDSA"], issuer=issuer, audience=audience, options=options)
            good += 1
        except jwt.InvalidTokenError:
            pass
print(good)
