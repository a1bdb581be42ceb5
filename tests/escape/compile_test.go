package escape

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

var compiled sync.Map // source → *program

type program struct {
	once sync.Once
	dir  string
	err  error
	out  []byte
}

// compile returns a folder with the static program ./attack. Static, because maximum and strange
// roots have no loader.
func compile(t *testing.T, source string) string {
	t.Helper()
	testhost.Need(t, "gcc") // the attacks are C programs
	if !strings.Contains(source, "attack(int") {
		source = "static void attack(int argc, char **argv) {\n" + source + "\n}\n"
	}
	loaded, _ := compiled.LoadOrStore(source, new(program))
	p := loaded.(*program)
	p.once.Do(func() { p.build(source) })
	if p.err != nil {
		t.Fatalf("gcc: %v\n%s", p.err, p.out)
	}
	return p.dir
}

func (p *program) build(source string) {
	slots <- struct{}{}
	defer func() { <-slots }()
	sum := sha256.Sum256([]byte(source))
	p.dir = filepath.Join(scratch, hex.EncodeToString(sum[:8]))
	if p.err = os.Mkdir(p.dir, 0o755); p.err != nil {
		return
	}
	header, err := filepath.Abs("testdata/attack.h")
	if err != nil {
		p.err = err
		return
	}
	cmd := exec.Command("gcc", "-x", "c", "-O1", "-w", "-static", "-pthread", "-include", header,
		"-o", p.dir+"/attack", "-")
	cmd.Stdin = strings.NewReader(source)
	p.out, p.err = cmd.CombinedOutput()
}
