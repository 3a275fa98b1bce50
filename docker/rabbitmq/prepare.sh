# The programs in /usr/sbin would send the log to a file.
PATH="/usr/lib/rabbitmq/bin:$PATH"
[ $# -gt 0 ] || set -- rabbitmq-server
# A clock that can be made to jump: that of the server alone, not of what is run beside it.
if [ -n "${FAKETIME_TIMESTAMP_FILE:-}" ]; then
    LD_PRELOAD="$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)"
    export LD_PRELOAD
fi
