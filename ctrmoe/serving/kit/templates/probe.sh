#!/bin/bash
# Exits with 0 where each model named has a version that is AVAILABLE.
# The status answers with HTTP 200 before that too, so its text is read. The image has no curl.
set -u

for model in "$@"; do
  exec 3<>"/dev/tcp/127.0.0.1/${REST_PORT:-8501}" || exit 1
  printf 'GET /v1/models/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$model" >&3
  if ! timeout 5 grep -q '"state": *"AVAILABLE"' <&3; then
    echo "$model has no version that is AVAILABLE." >&2
    exit 1
  fi
  exec 3>&-
done
