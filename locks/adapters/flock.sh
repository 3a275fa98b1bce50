#!/bin/sh
# flock(1) on a file of this machine: no network, no lease, and nothing to verify, since the kernel takes it from nobody who lives.
#
# Run:      prover --lock 'process:sh locks/adapters/flock.sh' --nemesis crash
# Weakness: one machine only; and who stands still keeps everybody else waiting for as long as that lasts.
# It is the skeleton that `prover new-adapter shell` writes.
exec sh "$(dirname "$0")/../../prover/src/adapter/lock.sh"
