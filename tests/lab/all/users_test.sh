#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Linux's own users of remote coverage, unchanged, on our kcov: what USB's hub, a vhost
# worker, Bluetooth's receiver, NFC's commands and mac80211's receiver execute for a thread.
. "$(dirname "$0")/../common.sh"
complaints='BUG|Oops|WARNING|general protection|scheduling while atomic'

# user NAME FUNCTION...: each is among what was collected.
user() {
  local name=$1
  shift
  on_kernel --machine x86_64-users --memory 768 --log "$scratch/log" -- \
    bash -c "$set_up
      '$KCOV_BUILD/lab_remote_users' $name" >"$scratch/pcs" 2>"$scratch/errors" ||
    { cat "$scratch/errors" >&2; tail -n 20 "$scratch/log" >&2; fail "$name failed"; }
  "$kcovtool" symbolize --vmlinux "$vmlinux" "$scratch/pcs" >"$scratch/names"
  expect_in "$scratch/names" "$@"
  expect_not_in "$scratch/log" "$complaints"
  printf '%s: %s records\n' "$name" "$(wc -l <"$scratch/pcs")"
}

vmlinux=$("$kcovtool" lab list | sed -n 's/^\* x86_64-users ours [^ ]* \(.*vmlinux\) .*/\1/p')
set_up=true
user usb hub_event hub_port_connect hub_irq
user vhost vhost_flush_work
user bluetooth hci_event_packet hci_cmd_complete_evt
user nfc nci_send_frame virtual_nci_send
# Two simulated radios in a network of their own; what one sends the other receives.
set_up='for d in wlan0 wlan1; do
  iw dev $d set type ibss && ip link set $d up &&
    iw dev $d ibss join kcov 2412 fixed-freq 02:12:34:56:78:9a || exit 9
done
for i in $(seq 20); do iw dev wlan0 link | grep -q kcov && break; sleep 0.5; done'
user wireless ieee80211_prepare_and_rx_handle ieee80211_rx_h_data
