# As the official image has it.
export ZOOCFGDIR=/conf
PATH="/usr/share/zookeeper/bin:$PATH"
[ $# -gt 0 ] || set -- zkServer.sh start-foreground
