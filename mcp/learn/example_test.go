package learn_test

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/learn"
)

func Example() {
	var file strings.Builder
	for i := range 6 {
		fmt.Fprintf(&file, `{"time":"2026-01-02T03:04:0%dZ","decision":"allowed","outcome":"ok",`+
			`"server":"notes","method":"tools/call","tool":"read_note","arguments":{"id":%d}}`+"\n",
			i, i)
	}
	records, bad, err := learn.ReadRecords(strings.NewReader(file.String()))
	if err != nil {
		panic(err)
	}
	fmt.Println(len(records), "records,", len(bad), "bad lines")

	report, err := learn.Propose(records, nil, learn.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Print(report)
	fmt.Println(report.Apply(nil)[0])
	// Output:
	// 6 records, 0 bad lines
	// + 562342f3b277 tool allow read_note (server notes)
	//     6 calls without fault
	//   notes/read_note: 6 calls without fault: a rule for its arguments needs at least 20
	// 6 records, 1 rule proposed
	// tool allow read_note (server notes)
}
