package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mcpbox/mcpbox/code/store"
)

func ExampleStore_Stats() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(filepath.Join(dir, "executions.db"))
	if err != nil {
		panic(err)
	}
	defer s.Close()
	e := store.Execution{ID: "k3v9", Time: time.Now(), Language: "python", Status: "ok",
		Took: 20 * time.Millisecond, Result: []byte("{}")}
	if err := s.Add(context.Background(), e); err != nil {
		panic(err)
	}
	stats, err := s.Stats(context.Background(), time.Time{})
	if err != nil {
		panic(err)
	}
	fmt.Println(stats.Total, stats.ByStatus["ok"], stats.Time.P50)
	// Output: 1 1 0.02
}
