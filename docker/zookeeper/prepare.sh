PATH="/usr/share/zookeeper/bin:$PATH"
[ $# -gt 0 ] || set -- zkServer.sh start-foreground /conf/zoo.cfg
