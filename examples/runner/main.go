// Command runner is a small gateway that needs no daemon: it runs commands for other programs, each
// in a cell of its own. POST /run takes the words of a command as a JSON array:
//
//	runner /run/user/1000/runner.sock &
//	curl --unix-socket /run/user/1000/runner.sock -d '["uname", "-s"]' http://localhost/run
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	"github.com/mcpbox/mcpbox/runtime"
)

func main() {
	policy, err := policies.Preset("standard")
	if err != nil || len(os.Args) != 2 {
		log.Fatal("usage: runner SOCKET ", err)
	}
	listener, err := net.Listen("unix", os.Args[1]) // in a folder that only you can enter
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, handler(pool.New(pool.Config{BestEffort: true}), policy)))
}

func handler(p *pool.Pool, policy *policies.Policy) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var args []string
		body := http.MaxBytesReader(w, r.Body, 64<<10)
		if err := json.NewDecoder(body).Decode(&args); err != nil || len(args) == 0 {
			http.Error(w, `send the words of a command: ["uname", "-s"]`, http.StatusBadRequest)
			return
		}
		var out bytes.Buffer
		result, err := p.Run(r.Context(), pool.Call{Policy: policy,
			Command: runtime.Command{Args: args, Stdout: &out, Stderr: &out}})
		var busy *pool.BusyError
		switch {
		case errors.As(err, &busy):
			w.Header().Set("Retry-After", fmt.Sprint(1+int(busy.RetryAfter.Seconds())))
			http.Error(w, err.Error(), http.StatusTooManyRequests)
		case err != nil:
			http.Error(w, fmt.Sprintln(err, runtime.Hint(err)), http.StatusUnprocessableEntity)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"status": result.Status,
				"exit_code": result.ExitCode, "output": out.String(), "events": result.Events})
		}
	}
}
