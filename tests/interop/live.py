"""The live run: tokenwright against every peer, both ways. See `run`."""

import argparse
import os
import secrets
import sys
import time
from collections import Counter

import status_lists
from peer import AUDIENCE, ISSUER, OpenSsl, Peer, Refused, all_peers, claims_for, comparable, is_paseto, picker, tampered

FOOTERS = ["", '{"note":"a footer"}']
IMPLICIT = ["", "tenant-7"]
LOCKED = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "HS256", "HS384", "HS512"]
PASSPHRASE = "correct horse battery staple"


class Table:
    """Counts by row and column, and every mismatch in words."""

    def __init__(self):
        self.counts, self.rows, self.mismatches = Counter(), {}, []

    def hold(self, row, column, right, words):
        self.rows[row] = None
        self.counts[row, column] += 1
        if not right:
            self.mismatches.append(f"{' '.join(row)}: {words}")

    def print(self, columns):
        head = ("algorithm", "peer", *columns)
        rows = [(*row, *(str(self.counts[row, column] or "-") for column in columns)) for row in self.rows]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        for row in [head, *rows]:
            left = "  ".join(cell.ljust(width) for cell, width in zip(row[:2], widths))
            print(left, *(cell.rjust(width) for cell, width in zip(row[2:], widths[2:])), sep="  ")


class Exchange:
    """One algorithm between tokenwright and one peer."""

    def __init__(self, table, ours, peer, alg, tokens, pick):
        self.table, self.ours, self.peer, self.alg, self.tokens, self.pick = table, ours, peer, alg, tokens, pick
        self.row = (alg, peer.name)

    def run(self):
        for maker in (self.ours, self.peer):
            try:
                keys = maker.ask("generate", alg=self.alg)
            except Refused as refusal:
                self.table.hold(self.row, "keys", False, f"{maker.name} made no key: {refusal}")
                continue
            forms = [form for form in self.peer.forms if form in self.ours.forms and form in keys["secret"]]
            for form in forms:
                secret, public = ({"form": form, "text": keys[half][form]} for half in ("secret", "public"))
                what = f"key of {maker.name} as {form}"
                self.compare_ids(public, what)
                self.one_way(self.ours, self.peer, secret, public, "ours→peer", what)
                self.one_way(self.peer, self.ours, secret, public, "peer→ours", what)

    def compare_ids(self, public, what):
        if not is_paseto(self.alg):
            return
        ids = {peer.ask("identify", alg=self.alg, key=public)["id"] for peer in (self.ours, self.peer)}
        self.table.hold(self.row, "keys", len(ids) == 1, f"{what}: ids differ: {ids}")

    def one_way(self, minter, verifier, secret, public, column, what):
        made = []
        for number in range(self.tokens):
            claims = claims_for(self.alg, int(time.time()), self.pick)
            extra = {}
            if is_paseto(self.alg):
                extra = {"footer": FOOTERS[number % 2], "implicit": IMPLICIT[number // 2 % 2]}
            elif number % 2:
                extra = {"kid": self.ours.ask("identify", alg=self.alg, key=public)["id"]}
            try:
                token = minter.ask("mint", alg=self.alg, key=secret, claims=claims, **extra)["token"]
                seen = self.verify(verifier, public, token, extra)
            except Refused as refusal:
                self.table.hold(self.row, column, False, f"{what}, {minter.name} to {verifier.name}: {refusal}")
                continue
            same = comparable(seen["claims"]) == comparable(claims)
            if extra.get("footer"):
                same = same and seen["footer"].replace(" ", "") == extra["footer"].replace(" ", "")
            self.table.hold(self.row, column, same, f"{what}, {minter.name} to {verifier.name}: {claims} became {seen}")
            made.append((token, extra))
        for number, (token, extra) in enumerate(made):
            self.refusals(public, token, extra, made[number - 1][0], what)

    def verify(self, verifier, public, token, extra, aud=AUDIENCE):
        implicit = {"implicit": extra["implicit"]} if "implicit" in extra else {}
        return verifier.ask("verify", alg=self.alg, key=public, token=token, iss=ISSUER, aud=aud, **implicit)

    def refusals(self, public, token, extra, other, what):
        """What was tampered with is refused by both, and so is what is meant for somebody else."""
        bad = [(name, copy, extra, AUDIENCE) for name, copy in tampered(self.alg, token, other, self.pick).items()]
        bad.append(("other audience", token, extra, "billing-api"))
        if "implicit" in extra:
            bad.append(("other implicit assertion", token, {**extra, "implicit": "tenant-8"}, AUDIENCE))
        for name, copy, with_extra, aud in bad:
            if copy == token and name == "other signature":
                continue
            for verifier, column in ((self.ours, "ours refuses"), (self.peer, "peer refuses")):
                try:
                    self.verify(verifier, public, copy, with_extra, aud)
                    refused = False
                except Refused:
                    refused = True
                self.table.hold(self.row, column, refused, f"{what}: {verifier.name} accepted: {name}: {copy}")


def locked_keys(table, ours, peer, form, helper):
    """A key that one side locked with a passphrase is opened by the other, and is the same key."""
    for alg in LOCKED:
        if alg not in ours.locks[form] or (form == "pkcs8" and alg.startswith("HS")):
            continue
        row = (f"{alg} in {form}", peer.name)
        for locker, opener, column in ((ours, peer, "ours→peer"), (peer, ours, "peer→ours")):
            try:
                locked = locker.ask("lock", alg=alg, form=form, passphrase=PASSPHRASE)
                opened = opener.ask("unlock", alg=alg, form=form, text=locked["text"], passphrase=PASSPHRASE)
                right, words = same_key(ours, helper, alg, opened["secret"], locked["public"])
            except Refused as refusal:
                right, words = False, f"{locker.name} to {opener.name}: {refusal}"
            table.hold(row, column, right, words)
            for name, text, passphrase in (
                ("wrong passphrase", locked["text"], "Correct horse battery staple"),
                ("cut off", locked["text"][: len(locked["text"]) // 2], PASSPHRASE),
            ):
                refuser = "ours refuses" if opener is ours else "peer refuses"
                try:
                    opener.ask("unlock", alg=alg, form=form, text=text, passphrase=passphrase)
                    table.hold(row, refuser, False, f"{opener.name} opened it with {name}")
                except Refused:
                    table.hold(row, refuser, True, "")


def same_key(ours, helper, alg, secret, public):
    """Whether what the secret half signs is what the public half verifies, tried across two libraries."""
    claims = claims_for(alg, int(time.time()), picker(1))
    try:
        token = helper.ask("mint", alg=alg, key=secret, claims=claims)["token"]
        seen = ours.ask("verify", alg=alg, key=public, token=token, iss=ISSUER, aud=AUDIENCE)
    except Refused as refusal:
        return False, f"the opened key is not the one that was locked: {refusal}"
    return comparable(seen["claims"]) == comparable(claims), "claims differ"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tokens", type=int, default=4, help="tokens for each key, form and direction")
    arguments.add_argument("--peer", action="append", help="only this peer; may be repeated")
    arguments.add_argument("--seed", type=int, default=secrets.randbits(32), help="repeat a run's random choices")
    chosen = arguments.parse_args()
    started = time.monotonic()
    ours = Peer([os.environ["INTEROP_OURS"]])
    everyone = all_peers()
    helper = next(peer for peer in everyone if peer.name == "joserfc")
    peers = [*everyone, OpenSsl()]
    table = Table()
    print(f"seed {chosen.seed}; tokenwright {ours.version};", ", ".join(f"{peer.name} {peer.version}" for peer in peers))
    for peer in peers:
        if chosen.peer and peer.name not in chosen.peer:
            continue
        for alg in peer.algorithms:
            Exchange(table, ours, peer, alg, chosen.tokens, picker(chosen.seed)).run()
        for form in peer.locks:
            locked_keys(table, ours, peer, form, helper)
        if peer.lists:
            status_lists.run(table, ours, peer, chosen.tokens, picker(chosen.seed))
    for peer in [ours, *peers]:
        peer.close()
    table.print(["ours→peer", "peer→ours", "ours refuses", "peer refuses", "keys"])
    total = sum(table.counts.values())
    for words in table.mismatches:
        print("MISMATCH", words[:600])
    print(f"{total} checks, {len(table.mismatches)} mismatches, {time.monotonic() - started:.1f} s")
    return 1 if table.mismatches or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
