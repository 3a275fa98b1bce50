[ $# -gt 0 ] || set -- etcd --data-dir /var/lib/etcd/data \
    --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://127.0.0.1:2379
