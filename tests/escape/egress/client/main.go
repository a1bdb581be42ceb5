// Command client measures a network from inside a sandbox, for the benchmarks.
//
//	client latency HOST:PORT ROUNDS     the median time to look up, connect and get a byte, in µs
//	client throughput HOST:PORT         how fast the server's bytes come, in MB/s
//	client get URL                      prints what an HTTP client of Go's gets, with $TOKEN
//	client ech HOST:PORT NAME CONFIGS   asks for a host whose name is encrypted
//	client relay HOST:PORT HOST:PORT    passes on what comes to the first, for comparison
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if args[0] == "get" {
		return get(args[1])
	}
	if args[0] == "ech" {
		return ech(args[1], args[2], args[3])
	}
	if args[0] == "relay" {
		return relay(args[1], args[2])
	}
	if args[0] == "throughput" {
		conn, err := net.Dial("tcp", args[1])
		if err != nil {
			return err
		}
		began := time.Now()
		n, err := io.Copy(io.Discard, onlyReader{conn})
		fmt.Printf("%.1f\n", float64(n)/1e6/time.Since(began).Seconds())
		return err
	}
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var took []time.Duration
	for range rounds {
		began := time.Now()
		conn, err := net.Dial("tcp4", args[1])
		if err != nil {
			return err
		}
		if _, err = conn.Write([]byte{1}); err == nil {
			_, err = io.ReadFull(conn, make([]byte, 1))
		}
		took = append(took, time.Since(began))
		conn.Close()
		if err != nil {
			return err
		}
	}
	slices.Sort(took)
	fmt.Printf("%.1f\n", float64(took[len(took)/2].Nanoseconds())/1e3)
	return nil
}

type onlyReader struct{ io.Reader } // else io.Copy splices into nothing
