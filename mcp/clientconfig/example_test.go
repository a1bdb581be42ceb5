package clientconfig_test

import (
	"fmt"

	"github.com/mcpbox/mcpbox/mcp/clientconfig"
)

func Example() {
	before := []byte(`{
  // my servers
  "mcpServers": {
    "notes": {"command": "node", "args": ["server.js"]}
  }
}`)
	o := clientconfig.Options{Binary: "mcpbox", Flags: []string{"--policy", "strict"}}
	after, servers, err := clientconfig.Wrap(before, o)
	if err != nil {
		panic(err)
	}
	fmt.Println(servers[0].Name, servers[0].Action)
	fmt.Println(string(after))

	again, _, err := clientconfig.Unwrap(after, before, o)
	fmt.Println(string(again) == string(before), err)
	// Output:
	// notes wrapped
	// {
	//   // my servers
	//   "mcpServers": {
	//     "notes": {"command": "mcpbox", "args": ["mcp", "--policy", "strict", "--name=notes", "--", "node", "server.js"]}
	//   }
	// }
	// true <nil>
}
