#!/bin/sh
# A lock for the prover: docs/protocol.md over standard input and output. Put your own lock where it says YOURS.
# This one is flock(1) on a file among the temporary ones; the kernel takes it back from a holder that dies. It needs no service;
# its weakness: it knows of one machine only, and of one lock a session. Run: prover --lock 'process:sh lock.sh'

field() { # one field of a message; a text is read up to its first quote, comma or brace
    printf '%s\n' "$line" | sed -n 's/.*"'"$1"'" *: *"\{0,1\}\([^",}]*\).*/\1/p' 9>&-
}

answer() { # what its body says
    printf '{"src":"%s","dest":"%s","body":{"in_reply_to":%s,%s}}\n' "$(field dest)" "$(field src)" "$(field msg_id)" "$1"
}

error() { # a definite code (11: nothing was asked for) says that it never takes effect; 13: nobody knows
    answer '"type":"error","code":'"$1"',"text":"'"$2"'"'
}

acquire() { # YOURS: held:false only where the service said that another holds it; token, lease_ms if there are any
    [ -z "$held" ] || { error 11 "this session holds a lock"; return; }
    # YOURS: connect with the first operation, to what init says (host and port of its endpoints).
    command exec 9>>"${TMPDIR:-/tmp}/$prefix.$key.lock" || { error 11 "no lock file"; return; }
    wait_ms=$(field wait_ms)
    flock -w "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))" 9
    case $? in
    0) held=$key; answer '"type":"acquire_ok","held":true' ;;
    1) exec 9>&-; answer '"type":"acquire_ok","held":false' ;;
    *) exec 9>&-; error 13 "flock failed" ;;
    esac
}

release() { # YOURS: held:false where the service said that it was not held any more
    [ "$held" = "$key" ] || { error 11 "not held"; return; }
    exec 9>&-
    held=
    answer '"type":"release_ok","held":true'
}

held=
while IFS= read -r line; do
    key=$(field key)
    case $(field type) in
    init) # YOURS: "needs":["redis"] gives the run endpoints; a lock that can be lost has verify, a lease says lease_ms
        prefix=$(field prefix)
        answer '"type":"init_ok","name":"flock","kind":"mutex","operations":["acquire","release"],"needs":[]' ;;
    acquire) acquire ;;
    release) release ;;
    close) answer '"type":"close_ok"'; exit 0 ;;
    *) error 10 "not known here" ;;
    esac
done
