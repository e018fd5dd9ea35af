#!/bin/sh
# sample.sh ROW [URL] draws a token from a row of float32 with curl. The URL of a Unix socket is like
# unix:/run/kelvin/kelvin.sock.
set -eu
row=${1:?ROW is missing: a file of float32}
url=${2:-http://localhost:27315}
socket=
case $url in unix:*) socket=${url#unix:} url=http://localhost ;; esac

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
# curl retries after a 503 when Retry-After has passed. That is safe, because nothing was drawn before the refusal.
status=$(curl --silent --show-error --retry 3 ${socket:+--unix-socket "$socket"} \
  --header 'Content-Type: application/octet-stream' --data-binary "@$row" \
  --output "$answer" --write-out '%{http_code}' \
  "$url/v1/sample?temperature=0.8&top_p=0.95&seed=42&return_probabilities=none")

if [ "$status" != 200 ]; then
  echo "$status: $(cat "$answer")" >&2
  exit 1
fi
# Enough for one token of one row. For more, use jq.
field() { sed -n "s/.*\"$1\":\[\([^],]*\).*/\1/p" "$answer"; }
LC_ALL=C printf 'token %d, logprob %.4f\n' "$(field token_ids)" "$(field logprobs)"
