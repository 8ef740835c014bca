"""Status lists both ways: what one library publishes, the other reads place by place."""

import time

from peer import ISSUER, Refused, tampered

ALGORITHMS = ["ES256", "EdDSA", "RS256"]
URI = f"{ISSUER}/statuslists/1"


def random_statuses(bits, pick):
    """Whole bytes of places; few, some or all of them not valid."""
    share = pick.choice([0.0, 0.01, 0.3, 1.0])
    places = 8 * pick.randrange(1, 200)
    return [pick.randrange(1, 2**bits) if pick.random() < share else 0 for _ in range(places)]


def exchange(table, ours, peer, alg, rounds, pick):
    row = (f"{alg} status list", peer.name)
    keys = ours.ask("generate", alg=alg)
    secret, public = ({"form": "jwk", "text": keys[half]["jwk"]} for half in ("secret", "public"))
    for publisher, reader, column in ((ours, peer, "ours→peer"), (peer, ours, "peer→ours")):
        for _ in range(rounds):
            for bits in (1, 2, 4, 8):
                now, statuses = int(time.time()), random_statuses(bits, pick)
                times = {"iat": now, "exp": now + 600, "ttl": pick.choice([1, 60, 86_400])}
                words = f"{bits} bits, {publisher.name} to {reader.name}"
                try:
                    asked = {"alg": alg, "uri": URI, "bits": bits, "statuses": statuses, **times}
                    token = publisher.ask("publish", key=secret, kid=keys["id"], **asked)["token"]
                    seen = reader.ask("look_up", alg=alg, key=public, token=token, uri=URI)
                except Refused as refusal:
                    table.hold(row, column, False, f"{words}: {refusal}")
                    continue
                same = seen["bits"] == bits and seen["statuses"] == statuses and seen["ttl"] == times["ttl"]
                table.hold(row, column, same, f"{words}: {statuses} became {seen}")
    refusals(table, ours, peer, alg, (secret, public, keys["id"]), pick)


def refusals(table, ours, peer, alg, keys, pick):
    """Both refuse a list that was changed, that has expired, or that is another's."""
    row, (secret, public, kid) = (f"{alg} status list", peer.name), keys
    now = int(time.time())
    asked = {"alg": alg, "key": secret, "kid": kid, "bits": 1, "ttl": 60}

    def published(statuses, uri=URI, exp=now + 600):
        times = {"iat": now - 700, "exp": exp}
        return ours.ask("publish", uri=uri, statuses=statuses, **times, **asked)["token"]

    good, other = published([0, 1] * 8), published([1, 0] * 8)
    bad = {
        **tampered(alg, good, other, pick),
        "another uri": published([0] * 8, uri=f"{URI}0"),
        "expired": published([0] * 8, exp=now - 600),
    }
    for name, token in bad.items():
        if token == good:
            continue
        for reader, column in ((ours, "ours refuses"), (peer, "peer refuses")):
            try:
                reader.ask("look_up", alg=alg, key=public, token=token, uri=URI)
                refused = False
            except Refused:
                refused = True
            table.hold(row, column, refused, f"{reader.name} accepted: {name}: {token}")


def run(table, ours, peer, rounds, pick):
    for alg in ALGORITHMS:
        exchange(table, ours, peer, alg, rounds, pick)
