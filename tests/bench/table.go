package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

func (b *bench) heading(title string)            { fmt.Fprintf(&b.page, "\n## %s\n\n", title) }
func (b *bench) text(format string, args ...any) { fmt.Fprintf(&b.page, format, args...) }

// wrap breaks the lines of paragraphs at 100 columns. Tables and headings stay as they are.
func wrap(page string) string {
	const columns = 100
	paragraphs := strings.Split(page, "\n\n")
	for i, p := range paragraphs {
		if strings.HasPrefix(p, "#") || strings.HasPrefix(p, "|") {
			continue
		}
		var out strings.Builder
		left := columns
		for _, word := range strings.Fields(p) {
			n := utf8.RuneCountInString(word)
			switch {
			case out.Len() == 0:
			case n < left:
				out.WriteByte(' ')
				left--
			default:
				out.WriteByte('\n')
				left = columns
			}
			out.WriteString(word)
			left -= n
		}
		paragraphs[i] = out.String()
	}
	return strings.TrimRight(strings.Join(paragraphs, "\n\n"), "\n") + "\n"
}

// compare writes a table of candidates; ratios are over base.
func (b *bench) compare(base *candidate, cs ...*candidate) {
	rows := [][]string{{"", "median", "min", "median over " + base.name, "min over " + base.name,
		"cpu, median", "page faults, median", "runs"}}
	for _, c := range cs {
		if c.err != nil {
			rows = append(rows, []string{c.name, "not measured: " +
				strings.ReplaceAll(cut(c.err.Error(), 240), "|", "¦"), "", "", "", "", "", ""})
			continue
		}
		rows = append(rows, []string{c.name, show(c.median(wall)), show(c.min(wall)),
			ratio(c.median(wall), base.median(wall)),
			ratio(c.min(wall), base.min(wall)), show(c.median(cpu)), count(c.faults()),
			fmt.Sprint(len(c.got))})
	}
	b.page.WriteString(table(rows))
}

// budget adds a line to the summary; measured ≤ limit is within it.
func (b *bench) budget(what, limit string, within bool, measured string) {
	verdict := "**OVER**"
	if within {
		verdict = "within"
	}
	b.budgets = append(b.budgets, []string{what, limit, measured, verdict})
}

// budgetRatio judges the ratio of minima, the one that a busy machine disturbs least, and shows
// both.
func (b *bench) budgetRatio(what string, limit float64, a, base *candidate) {
	if a.err != nil || base.err != nil || len(a.got) == 0 || len(base.got) == 0 {
		b.budgets = append(b.budgets,
			[]string{what, fmt.Sprintf("≤ %.2f×", limit), "not measured", "–"})
		return
	}
	r := float64(a.min(wall)) / float64(base.min(wall))
	b.budget(what, fmt.Sprintf("≤ %.2f×", limit), r <= limit,
		fmt.Sprintf("%s of minima, %s of medians", ratio(a.min(wall), base.min(wall)),
			ratio(a.median(wall), base.median(wall))))
}

func count(n int64) string {
	if n == 0 {
		return "–"
	}
	return strconv.FormatInt(n, 10)
}

func table(rows [][]string) string {
	var s strings.Builder
	for i, r := range rows {
		s.WriteString("| " + strings.Join(r, " | ") + " |\n")
		if i == 0 {
			s.WriteString("|---" + strings.Repeat("|---", len(r)-1) + "|\n")
		}
	}
	return s.String()
}

func show(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 2*time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

func header(took time.Duration) string {
	var u unix.Utsname
	unix.Uname(&u)
	who := "an ordinary user"
	if isRoot() {
		who = "root"
	}
	load, _ := os.ReadFile("/proc/loadavg")
	host := [][]string{{"host", ""},
		{"kernel", unix.ByteSliceToString(u.Release[:]) + " " + runtime.GOARCH},
		{"CPUs", fmt.Sprint(runtime.NumCPU())},
		{"started as", who},
		{"load at the end", strings.Join(strings.Fields(string(load) + " – – –")[:3], " ")},
		{"took", took.Round(time.Second).String()},
		{"a page fault costs", faultCost()}}
	for _, peer := range []string{"runc", "crun", "bwrap", "firejail", "podman"} {
		host = append(host, []string{peer, version(peer)})
	}
	return "# Benchmarks\n\nMade by `make bench`; do not edit. Ratios " +
		"of figures from one run, in which the candidates take turns, are what counts:\n" +
		"milliseconds depend on the machine and on what else it does. What is " +
		"measured, and how: `tests/bench/README.md`.\n\n" + table(
		host,
	)
}

// faultCost is the time of a first touch of a page. Where it is dear, as in nested virtual
// machines, a start is mostly page faults.
func faultCost() string {
	const pages, dear = 4096, 5 * time.Microsecond
	page := os.Getpagesize()
	least := time.Duration(1 << 62)
	for range 5 {
		m, err := unix.Mmap(-1, 0, pages*page, unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		if err != nil {
			return err.Error()
		}
		_ = unix.Madvise(m, unix.MADV_NOHUGEPAGE)
		began := time.Now()
		for i := 0; i < len(m); i += page {
			m[i] = 1
		}
		least = min(least, time.Since(began)/pages)
		_ = unix.Munmap(m)
	}
	if least >= dear {
		return fmt.Sprintf("%.1f µs: dear", float64(least)/1e3)
	}
	return fmt.Sprintf("%.2f µs", float64(least)/1e3)
}

func version(program string) string {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return "not installed"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

func budgetTable(rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	return "\n## Budgets\n\n" + table(
		append([][]string{{"what", "budget", "measured", ""}}, rows...))
}
