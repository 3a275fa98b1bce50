// A lock for the prover: docs/protocol.md over standard input and output. Put your own lock where it says YOURS.
// This one is a file that only one can make. It needs no service; its weakness: a holder that crashes keeps the lock for ever.
// Run: prover --lock 'process:go run main.go', or build it first: that starts faster.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

type fields map[string]any

type request struct {
	Type      string `json:"type"`
	MsgID     int    `json:"msg_id"`
	Key       string
	WaitMs    int `json:"wait_ms"`
	Client    string
	Prefix    string
	Keys      []string
	Options   map[string]string
	Endpoints []struct {
		Service, Name, Host, URL string
		Port                     int
	}
}

// Nothing was asked for, so it never takes effect: code 11. Every other error is code 13: nobody knows.
var errNotSent = errors.New("not sent")

var run request // what init said

// YOURS: connect to run.Endpoints with the first operation; wrap errNotSent where that fails.
func connect(key string) string {
	return filepath.Join(os.TempDir(), run.Prefix+"."+key+".lock")
}

// YOURS: try once. held: false only where the service said that another holds it. token, lease_ms if there are any.
func acquire(key string) (fields, error) {
	file, err := os.OpenFile(connect(key), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fields{"held": false}, nil
	} else if err != nil {
		return nil, err
	}
	defer file.Close()
	_, err = file.WriteString(run.Client)
	return fields{"held": true}, err
}

// YOURS: what the service says; lease_ms where that renewed a lease.
func verify(key string) (fields, error) {
	holder, err := os.ReadFile(connect(key))
	if errors.Is(err, os.ErrNotExist) {
		return fields{"held": false}, nil
	}
	return fields{"held": string(holder) == run.Client}, err
}

// YOURS: held: false where the service said that it was not held any more.
func release(key string) (fields, error) {
	said, err := verify(key)
	if err == nil && said["held"] == true {
		err = os.Remove(connect(key))
	}
	return said, err
}

func perform(r request) (fields, error) {
	switch r.Type {
	case "init":
		run = r // YOURS: what it is. With needs: ["redis"] the run has endpoints; a lease is lease_ms.
		return fields{"name": "lock-file", "kind": "mutex", "operations": []string{"acquire", "verify", "release"},
			"needs": []string{}, "promises": []string{"exclusion", "progress"}}, nil
	case "acquire":
		end := time.Now().Add(time.Duration(r.WaitMs) * time.Millisecond)
		for {
			said, err := acquire(r.Key)
			if err != nil || said["held"] == true || time.Now().After(end) {
				return said, err
			}
			time.Sleep(10 * time.Millisecond)
		}
	case "verify":
		return verify(r.Key)
	case "release":
		return release(r.Key)
	case "close":
		for _, key := range run.Keys {
			if _, err := release(key); err != nil {
				return nil, err
			}
		}
		return fields{}, nil
	}
	return fields{"type": "error", "code": 10, "text": "no " + r.Type + " here"}, nil
}

func main() {
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return // the end of the input
		}
		var message struct {
			Src, Dest string
			Body      request
		}
		if err := json.Unmarshal(line, &message); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		body, err := perform(message.Body)
		if errors.Is(err, errNotSent) {
			body = fields{"type": "error", "code": 11, "text": err.Error()}
		} else if err != nil {
			body = fields{"type": "error", "code": 13, "text": err.Error()}
		} else if body["type"] == nil {
			body["type"] = message.Body.Type + "_ok"
		}
		body["in_reply_to"] = message.Body.MsgID
		answer, _ := json.Marshal(fields{"src": message.Dest, "dest": message.Src, "body": body})
		fmt.Println(string(answer))
		if message.Body.Type == "close" {
			return
		}
	}
}
