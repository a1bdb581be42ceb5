package store

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/mcpbox/mcpbox/mcp/access"
)

// importer is the child process of the crash test. It imports one set after the other until it is
// killed.
const importer = "MCPBOX_TEST_IMPORTER"

func TestMain(m *testing.M) {
	if path := os.Getenv(importer); path != "" {
		err := importForEver(path)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func importForEver(path string) error {
	for n := 0; ; n++ {
		s, err := Open(path)
		if err != nil {
			return err
		}
		_, err = s.Update(context.Background(), Author{User: "importer"}, "import", false,
			func([]access.Rule) ([]access.Rule, error) {
				return generation(n % 2), nil
			})
		if err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
}

// generation returns one of two sets that have no rule in common.
func generation(n int) (out []access.Rule) {
	for i := range 200 {
		out = append(out, access.Rule{Layer: access.LayerTool,
			Match: fmt.Sprintf("g%d_tool_%d", n, i), Effect: access.Allow})
	}
	return out
}

func tool(name string) access.Rule {
	return access.Rule{Layer: access.LayerTool, Server: "*", Match: name, Effect: access.Allow}
}

func add(t *testing.T, s *Store, list ...access.Rule) {
	t.Helper()
	_, err := s.Update(context.Background(), Author{User: "ada", As: "on call"}, "add", false,
		func(now []access.Rule) ([]access.Rule, error) {
			return append(now, list...), nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, s *Store) (out []string) {
	t.Helper()
	list, _, err := s.Rules(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		out = append(out, r.Match)
	}
	return out
}

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir() + "/sub/allow.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
