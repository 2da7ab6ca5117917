#!/bin/sh
# SPDX-License-Identifier: MIT
#
# For tools/testing/selftests/net: the sentinel cells of sockmatrix as KTAP, against a run of a kernel that
# is known to be right (SOCKMATRIX_BASELINE; without it, the one of sockmatrix that fits).
# Skipped, with the status that kselftest knows, where sockmatrix is not installed or nothing was measured:
# `sockmatrix check` ends with 4 itself then, as kselftest's KSFT_SKIP.
command=${SOCKMATRIX:-sockmatrix}
if ! command -v "$command" >/dev/null 2>&1; then
    echo "KTAP version 1"
    echo "1..0 # SKIP sockmatrix is not installed"
    exit 4
fi
place=$(mktemp -d) || exit 4
trap 'rm -rf "$place"' EXIT
"$command" check --table "${SOCKMATRIX_TABLE:-sentinel}" --tap - -o "$place/run.jsonl" \
    ${SOCKMATRIX_BASELINE:+--baseline "$SOCKMATRIX_BASELINE"}
