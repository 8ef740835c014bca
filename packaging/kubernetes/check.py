"""Parses the manifest, holds it to what its comments say, and prints its command."""

import shlex
import sys

import yaml


def need(holds, sentence):
    if not holds:
        sys.exit(sentence)


def main(path):
    with open(path, encoding="utf-8") as text:
        documents = list(yaml.safe_load_all(text))
    need(len(documents) == 1, "expected one document")
    job = documents[0]
    need((job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob"), "not a CronJob of batch/v1")
    need(len(job["spec"]["schedule"].split()) == 5, "a schedule has five fields")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    need(pod["restartPolicy"] in ("Never", "OnFailure"), "a job's pod does not restart always")
    user = pod["securityContext"]
    need(user["runAsNonRoot"] is True and user["runAsUser"] > 0, "runs as root")
    need("fsGroup" not in user, "fsGroup opens the folder of keys to a group")
    need(pod["automountServiceAccountToken"] is False, "mounts a token it does not need")
    (container,) = pod["containers"]
    rights = container["securityContext"]
    need(rights["allowPrivilegeEscalation"] is False, "may gain privileges")
    need(rights["readOnlyRootFilesystem"] is True, "may write to its root")
    need(rights["capabilities"] == {"drop": ["ALL"]}, "keeps capabilities")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    need(volumes.keys() == mounts.keys(), "volumes and mounts differ")
    words = container["command"] + container["args"]
    store = words[words.index("--store") + 1]
    need(store.startswith(mounts["keys"]["mountPath"] + "/"), "the store is not on the volume")
    need(volumes["passphrase"]["secret"]["defaultMode"] == 0o444, "the mode of the secret is not octal")
    print(shlex.join(words))


main(sys.argv[1])
