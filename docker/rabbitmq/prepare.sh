# The programs in /usr/sbin would send the log to a file.
PATH="/usr/lib/rabbitmq/bin:$PATH"
[ $# -gt 0 ] || set -- rabbitmq-server
