# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The contract on a kernel, rule by rule, and not a word of complaint in its log but for the
# warnings that rules ask for. What was printed is kept for the table of ports
# (tests/conformance/table).
complaints='BUG|Oops|KASAN|KCSAN|UBSAN|scheduling while atomic|Unable to handle|general protection|epollctl|overlayfs|Failed to|suspicious RCU|possible circular locking|possible recursive locking|inconsistent lock state|invalid wait context|bad unlock balance|ODEBUG'

# Lines of the log that are no affair of kcov's (Perl's regular expression).
not_ours='^$'

# conformance_of MACHINE VARIANT ARGS...: one kernel; ARGS are lab run's.
conformance_of() {
  local machine=$1 variant=$2 status=0 name=$1-$2 flag=""
  shift 2
  [ "$variant" = ours ] || flag=--stock
  # shellcheck disable=SC2086
  on_kernel --machine "$machine" $flag "$@" --log "$scratch/log" -- \
    "$KCOV_BUILD/kcov_conformance_kernel" $flag >"$scratch/rules" 2>&1 || status=$?
  mkdir -p "$KCOV_BUILD/conformance"
  cp "$scratch/rules" "$KCOV_BUILD/conformance/$name"
  cp "$scratch/log" "$KCOV_BUILD/conformance.$name.log" || true
  [ "$status" = 0 ] || { cat "$scratch/rules" >&2; tail -n 30 "$scratch/log" >&2; fail "rules on $name"; }
  for rule in $(seq -w 1 39); do
    grep -q "^ok   $rule " "$scratch/rules" || fail "rule $rule has no test"
  done
  expect_in "$scratch/log" "Linux version"
  grep -vP "$not_ours" "$scratch/log" >"$scratch/complaints" || true
  expect_not_in "$scratch/complaints" "$complaints"
  grep -E 'WARNING: ' "$scratch/log" | grep -vE ' at (kernel/kcov|kcov_)' >"$scratch/others" || true
  expect_not_in "$scratch/others" .
  # On um it has a configuration of its own, since it takes 300 ms of each boot.
  if [ "$variant" = ours ] && { [ "${machine%%-*}" = x86_64 ] || [ "$machine" = um-selftest ]; }; then
    expect_in "$scratch/log" "kcov: the self-test found no records of interrupts"
  fi
}
