"""Writes tokens that the peers minted, and copies that must be refused, as vectors.

See `make-fixtures` and fixtures/README.md. Keys are new in every run and thrown away.
"""

import json
import sys

from peer import AUDIENCE, ISSUER, all_peers, claims_for, is_paseto, picker, tampered, unpadded

NOW = 1_760_000_000
OPTIONS = {"now": NOW, "leeway": 0, "iss": ISSUER, "aud": AUDIENCE}
# What is changed in the claims, and the code with which tokenwright must refuse it.
SHAPES = {
    "expired": ({"iat": NOW - 7200, "nbf": NOW - 7200, "exp": NOW - 3600}, "expired"),
    "expires now": ({"exp": NOW}, "expired"),
    "not yet valid": ({"nbf": NOW + 60}, "not_yet_valid"),
    "issued in the future": ({"iat": NOW + 60}, "not_yet_valid"),
    "other audience": ({"aud": "billing-api"}, "aud_mismatch"),
    "other issuer": ({"iss": "https://other.example"}, "iss_mismatch"),
    "no expiry": ({"exp": None}, "missing_claim"),
    "expiry as text": ({"exp": str(NOW + 600)}, "bad_claims"),
    "no issuer": ({"iss": None}, "iss_mismatch"),
    "no audience": ({"aud": None}, "aud_mismatch"),
}
TAMPERED = {
    "payload": "bad_signature",
    "signature": "bad_signature",
    "signature cut off": "bad_signature",
    "no signature": "bad_signature",
    "other signature": "bad_signature",
    "none": "alg_mismatch",
}


def web_cases(peer, alg, pick):
    made = peer.ask("generate", alg=alg)
    secret = {"form": "jwk", "text": made["secret"]["jwk"]}
    identity = f"{peer.name}-{alg}"
    jwk = {**json.loads(made["public"]["jwk"]), "alg": alg, "kid": identity}
    base = {"minted_by": f"{peer.name} {peer.version}", "jwk": jwk, "allow_algs": [alg]}
    judged = {**base, "kind": "jwt", "options": OPTIONS}

    def mint(changes=None, **extra):
        claims = {**claims_for(alg, NOW, pick), **(changes or {})}
        claims = {name: value for name, value in claims.items() if value is not None or name == "flag"}
        token = peer.ask("mint", alg=alg, key=secret, claims=claims, **extra)["token"]
        return {**judged, "token": token, "claims": claims, "expect": "accept"}

    def refused(case, token, code=None):
        return {**judged, "case": case, "token": token, "expect": "reject", **({"code": code} if code else {})}

    good = mint(kid=identity)
    yield {**good, "case": "key id"}
    yield {**mint(), "case": "no key id"}
    yield {**mint({"aud": ["billing-api", AUDIENCE]}), "case": "two audiences"}
    for case, (changes, code) in SHAPES.items():
        if case == "expiry as text" and peer.name != "joserfc":
            continue  # the others refuse to mint it, or would not agree on how
        yield refused(case, mint(changes, kid=identity)["token"], code)
    yield refused("other key id", mint(kid="somebody-else")["token"], "unknown_key")
    for case, copy in tampered(alg, good["token"], mint()["token"], pick).items():
        yield refused(f"tampered: {case}", copy, TAMPERED.get(case))
    payload = "not claims: žluťoučký kůň\n"
    raw = {**base, "kind": "jws-compact", "payload_utf8": payload}
    signed = peer.ask("sign", alg=alg, key=secret, payload=payload)["token"]
    yield {**raw, "case": "raw payload", "token": signed, "expect": "accept"}
    yield {**raw, "case": "raw payload cut off", "token": signed[:-4], "expect": "reject"}


def paseto_cases(peer, alg, pick):
    made = peer.ask("generate", alg=alg)
    secret = {"form": "paserk", "text": made["secret"]["paserk"]}
    raw_key = unpadded(made["public"]["paserk"].split(".")[2]).hex()
    named = "key" if alg == "v4.local" else "public_key"
    base = {"minted_by": f"{peer.name} {peer.version}", "kind": "paseto", "version": "v4", named: raw_key}
    kid = json.dumps({"kid": made["id"]}, separators=(",", ":"))
    good = None
    for case, footer, implicit in (
        ("bare", "", ""),
        ("key id in the footer", kid, ""),
        ("text in the footer", "a plain footer", ""),
        ("implicit assertion", "", "tenant-7"),
        ("footer and implicit assertion", kid, '{"tenant":7}'),
    ):
        claims = claims_for(alg, NOW, pick)
        token = peer.ask("mint", alg=alg, key=secret, claims=claims, footer=footer, implicit=implicit)["token"]
        payload = json.dumps(claims, ensure_ascii=False)
        line = {**base, "token": token, "payload": payload, "footer": footer, "implicit_assertion": implicit}
        yield {**line, "case": case, "expect": "accept"}
        if good is not None:
            for what, copy in tampered(alg, token, good, pick).items():
                yield {**line, "case": f"{case}, tampered: {what}", "token": copy, "payload": None, "expect": "reject"}
        wrong = {**line, "implicit_assertion": "tenant-8", "payload": None, "expect": "reject"}
        yield {**wrong, "case": f"{case}, another implicit assertion"}
        good = token


def main():
    pick = picker(20)
    lines = []
    for peer in all_peers():
        for alg in peer.algorithms:
            cases = paseto_cases if is_paseto(alg) else web_cases
            for line in cases(peer, alg, pick):
                case = line.pop("case")
                name = case.replace(",", "").replace(":", "").replace(" ", "-")
                lines.append({"id": f"interop/{peer.name}/{alg}/{name}", **line, "title": case})
        peer.close()
    assert len({line["id"] for line in lines}) == len(lines), "two cases have one id"
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    accepted = sum(line["expect"] == "accept" for line in lines)
    print(f"{len(lines)} cases written to {sys.argv[1]}: {accepted} to accept, {len(lines) - accepted} to refuse")


if __name__ == "__main__":
    main()
