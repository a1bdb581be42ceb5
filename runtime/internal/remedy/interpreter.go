package remedy

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"strings"
)

// maxLine is the number of bytes that the kernel reads of a script (BINPRM_BUF_SIZE).
const maxLine = 256

// Interpreter says what is missing to start an existing program: a few words for the error ("" if
// unknown), and the hint.
func (c Command) Interpreter() (what, remedy string) {
	const general = "bind the folder of its interpreter or loader with --mount DIR:DIR, or use a " +
		"--rootfs that has it"
	f := c.Plan.Find(c.absolute())
	if f.Missing != "" || f.Host == "" {
		return "", general
	}
	line, err := firstLine(f.Host)
	if err != nil {
		return "", general
	}
	if line == "" {
		loader := loaderOf(f.Host)
		if loader == "" {
			return "", general
		}
		if exists(loader) {
			return "its loader " + loader, "the host has it and the sandbox does not: --mount " +
				mountOf(loader)
		}
		return "its loader " + loader,
			"the program is made for another C library or machine: use a --rootfs that has it, " +
				"or a build for this one"
	}
	name := interpreter(line)
	what = "its interpreter " + strings.TrimSuffix(name, "\r")
	if strings.HasSuffix(line, "\r") {
		return what, "its first line ends in CR LF, as on Windows: sed -i 's/\\r$//' " + quote(
			f.Host)
	}
	i := c.Plan.Find(name)
	if in := c.Plan.Inside(name); in != "" && exists(name) {
		return what, "the #! line has the host's path, and the folder is seen as " +
			c.targetOf(name) + ": show it at its own, with --mount " +
			sourceOf(c.Plan, name) + " --dir " + quote(c.sourceDir(name)) +
			" instead of --workspace"
	}
	switch {
	case i.Missing == "":
		return "", general
	case i.OnHost != "":
		return what, linkRemedy(i)
	case exists(name):
		return what, "the host has it and the sandbox does not: --mount " + mountOf(resolved(name))
	}
	return what, "it is not on the host either: check the first line of " + f.Host
}

// targetOf and sourceDir return the two ends of the mount that shows a host path.
func (c Command) targetOf(host string) string {
	for _, m := range c.Plan.Mounts {
		if m.User && strings.HasPrefix(host, m.Source+"/") {
			return m.Target
		}
	}
	return ""
}

func (c Command) sourceDir(host string) string {
	for _, m := range c.Plan.Mounts {
		if m.User && strings.HasPrefix(host, m.Source+"/") {
			return m.Source
		}
	}
	return ""
}

// firstLine returns a script's first line without its end, or "" if the file is not a script.
func firstLine(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxLine)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	if !strings.HasPrefix(line, "#!") {
		return "", nil
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// interpreter returns the program that a #! line names.
func interpreter(line string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(strings.TrimPrefix(line, "#!"), " \t"), " ")
	name, _, _ = strings.Cut(name, "\t")
	return name
}

// loaderOf reads the PT_INTERP of an ELF program of 64 bits. debug/elf would cost every start its
// initialisers. elf(5)
func loaderOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var head [64]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:5]) != "\x7fELF\x02" {
		return ""
	}
	const interp, maxHeaders = 3, 64
	order := binary.LittleEndian // of all machines that mcpbox runs on
	at, size, count := int64(order.Uint64(head[32:])), int64(order.Uint16(head[54:])),
		int(order.Uint16(head[56:]))
	for i := range min(count, maxHeaders) {
		var p [56]byte
		if _, err := f.ReadAt(p[:], at+int64(i)*size); err != nil {
			return ""
		}
		if order.Uint32(p[:]) != interp {
			continue
		}
		name := make([]byte, min(order.Uint64(p[32:]), maxLine))
		if _, err := f.ReadAt(name, int64(order.Uint64(p[8:]))); err != nil {
			return ""
		}
		return strings.TrimRight(string(name), "\x00")
	}
	return ""
}
