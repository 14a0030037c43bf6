#!/bin/sh
# The demo: a fresh folder, a Chatwoot on this machine, and the commands that a person would type.
# `make demo` builds what it needs and runs it.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
release=$target/release
demo=$target/demo
# Paths are shown as seen from the folder of the repository.
shown=${demo#"$PWD"/}

for needed in "$release/muster" "$release/fake-chatwoot" "$target/connectors/chatwoot.wasm"; do
  if ! [ -e "$needed" ]; then
    echo "error: ${needed#"$PWD"/} is missing: run \`make demo\`, which builds it" >&2
    exit 2
  fi
done

# The fake starts this script once more, with its address in the environment, and ends with it.
if [ "${1:-}" != inside ]; then
  exec "$release/fake-chatwoot" -- sh tests/demo.sh inside
fi

# A muster.toml that somebody has changed is kept.
if [ -e "$demo/muster.toml" ] && ! cmp -s "$demo/muster.toml" "$demo/.muster.toml.written"; then
  kept=$demo-$(date +%Y%m%d-%H%M%S)
  mv "$demo" "$kept"
  echo "$shown/muster.toml was changed since the last demo: the folder is now ${kept#"$PWD"/}"
fi
rm -rf "$demo"
mkdir -p "$demo"
cd "$demo"

cat >muster.toml <<TOML
connectors = "../connectors"
store = "muster.db"

[[connection]]
name = "support"
connector = "chatwoot"

[connection.settings]
chatwoot-base-url = "$CHATWOOT_URL"
chatwoot-account-id = "$CHATWOOT_ACCOUNT"
chatwoot-api-token = { env = "CHATWOOT_TOKEN" }

[connection.network]
allow-private = ["$CHATWOOT_ADDRESS"]
TOML
cp muster.toml .muster.toml.written

PATH=$release:$PATH
export PATH

type_in() {
  if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\n\033[1m$ %s\033[0m\n' "$*"; else printf '\n$ %s\n' "$*"; fi
  "$@"
}

echo "A Chatwoot answers on $CHATWOOT_ADDRESS. All of this happens in $shown:"
type_in cat muster.toml
type_in muster check
type_in muster sync
type_in muster resources
type_in muster grants
type_in muster runs

cat <<END

The Chatwoot of the demo has ended; its rows are in $shown/muster.db. To read your own, with the same binary:

  cd $shown && rm muster.db
  change four lines of muster.toml:
    chatwoot-base-url = "https://app.chatwoot.com"     your server
    chatwoot-account-id = "1"                          the number after /app/accounts/ in the dashboard's address
    chatwoot-api-token = { env = "CHATWOOT_TOKEN" }    or { file = "..." }: never the token itself
    allow-private = []                                 or "HOST:PORT" of a server in your own network
  export CHATWOOT_TOKEN=...                            from Profile Settings, Access Token
  ../release/muster check && ../release/muster sync
END
