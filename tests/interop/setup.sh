# Sourced by `run` and `make-fixtures`: installs the pinned peers below target/ and
# sets PYTHON, NODE_MODULES_PARENT and OURS. A second run finds them there.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# Cargo may have been told to build elsewhere.
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
work=$target/interop
mkdir -p "$work"

for tool in python3 node npm openssl cargo; do
    if ! command -v "$tool" >/dev/null; then
        echo "interop: $tool is needed and was not found" >&2
        exit 6
    fi
done

# Installed again when the pins changed.
if ! cmp -s "$here/requirements.txt" "$work/requirements.installed"; then
    rm -rf "$work/venv"
    python3 -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --no-deps --disable-pip-version-check \
        --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$work/requirements.installed"
fi
if ! cmp -s "$here/package-lock.json" "$work/node/package-lock.installed"; then
    rm -rf "$work/node"
    mkdir -p "$work/node"
    cp "$here/package.json" "$here/package-lock.json" "$work/node/"
    (cd "$work/node" && npm ci --silent --no-audit --no-fund --ignore-scripts 2>"$work/npm.log") || {
        echo "interop: npm ci failed; its words are in $work/npm.log" >&2
        exit 6
    }
    cp "$here/package-lock.json" "$work/node/package-lock.installed"
fi
# A module is looked up from where the importing file stands.
cp "$here"/node_*.mjs "$work/node/"

cargo build --quiet --manifest-path "$root/Cargo.toml" --release --features dpop,axum,session \
    --example interop --example dpop
export INTEROP_PYTHON=$work/venv/bin/python
export INTEROP_NODE_PEER=$work/node/node_peer.mjs
export INTEROP_NODE_STATUS_LISTS=$work/node/node_status_lists.mjs
export INTEROP_NODE_DPOP=$work/node/node_dpop.mjs
export INTEROP_DPOP_SERVER=$target/release/examples/dpop
export INTEROP_OURS=$target/release/examples/interop
export PYTHONDONTWRITEBYTECODE=1
