[ $# -gt 0 ] || set -- redis-server --bind 0.0.0.0 --protected-mode no
