#!/bin/sh
# Prints a request to be committed: a fixed name, and a notAfter that is fixed when it is written. So the same file,
# applied again after a prune or in a rebuilt cluster, runs only once and says AlreadyExecuted.
#
#   ./new-request.sh bob bob@example.com > requests/bob-2026-12-01.yaml
set -eu
if [ $# -ne 2 ]; then
  echo "usage: $0 NAME LOGIN" >&2
  exit 2
fi
# A day from now; GNU and BSD spell that differently.
not_after=$(date -u -d '+24 hours' +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -v+24H +%Y-%m-%dT%H:%M:%SZ)
cat <<YAML
apiVersion: readmit.dev/v1alpha1
kind: AccountUnlockRequest
metadata: {name: unlock-$1, namespace: team-a}
spec:
  directory: okta
  account: {login: "$2"}
  notAfter: "$not_after"
---
apiVersion: readmit.dev/v1alpha1
kind: PasswordResetRequest
metadata: {name: reset-$1, namespace: team-a}
spec:
  directory: okta
  account: {login: "$2"}
  method: Link
  notAfter: "$not_after"
YAML
