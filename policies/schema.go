package policies

import (
	"encoding/json"
	"reflect"
	"strings"
)

//go:generate go run ./internal/generate

// Schema is the JSON Schema (2020-12) of a policy file, for editors; docs/policy-schema.json is this. It knows the form; what
// values mean together, Parse checks.
func Schema() []byte {
	root := schemaOf(reflect.TypeFor[Policy](), "", "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "mcpbox policy"
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, lists and text only
	}
	return append(data, '\n')
}

func schemaOf(t reflect.Type, path, enum string) map[string]any {
	s := map[string]any{}
	if d := describe(path); d != "" {
		s["description"] = d
	}
	switch t {
	case reflect.TypeFor[Size]():
		s["type"], s["pattern"], s["minimum"] = []string{"string", "integer"}, `^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtTpPeE]([iI]?[bB])?|[bB])?\s*$`, 0
		return s
	case reflect.TypeFor[Duration]():
		s["type"], s["minimum"] = []string{"string", "number"}, 0
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for i := range t.NumField() {
			f := t.Field(i)
			key := yamlKey(f)
			sub := schemaOf(f.Type, join(path, key), f.Tag.Get("enum"))
			properties[key] = sub
			if k := f.Type.Kind(); k == reflect.Slice || k == reflect.Map {
				afresh := schemaOf(f.Type, "", f.Tag.Get("enum"))
				afresh["description"] = "as " + key + ", in place of what is inherited"
				properties["!"+key] = afresh
			}
			if needed(t, key) {
				required = append(required, key)
			}
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
		if len(required) > 0 {
			s["required"] = required
		}
		if t == reflect.TypeFor[SyscallRule]() {
			return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, s}}
		}
	case reflect.Slice:
		s["type"], s["items"] = "array", schemaOf(t.Elem(), path+"[]", enum)
	case reflect.Map:
		s["type"] = "object"
		if t.Elem().Kind() == reflect.String {
			s["additionalProperties"] = map[string]any{"type": []string{"string", "number", "boolean"}}
		} else if t.Elem() == reflect.TypeFor[map[string]any]() {
			s["additionalProperties"] = map[string]any{"type": "object"}
		} else {
			s["additionalProperties"] = schemaOf(t.Elem(), path+"[]", "")
		}
	case reflect.String:
		s["type"] = "string"
		if enum != "" {
			s["enum"] = strings.Split(enum, ",")
		}
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.Float64:
		s["type"], s["minimum"] = "number", 0
	case reflect.Uint64: // an argument's value or mask: a number or constants' names
		s["type"], s["minimum"] = []string{"string", "integer"}, 0
	case reflect.Uint:
		s["type"], s["minimum"], s["maximum"] = "integer", 0, 5
	default:
		s["type"], s["minimum"] = "integer", 0
	}
	return s
}

func needed(t reflect.Type, key string) bool {
	switch t {
	case reflect.TypeFor[Mount]():
		return key == "source" || key == "target"
	case reflect.TypeFor[SyscallRule]():
		return key == "names"
	case reflect.TypeFor[ArgRule]():
		return key == "index" || key == "op" || key == "value"
	case reflect.TypeFor[Rule]():
		return key == "id" || key == "when"
	case reflect.TypeFor[IOMax]():
		return key == "device"
	}
	return false
}

func describe(path string) string {
	switch path {
	case "version":
		return "the policy format's version: 1"
	case "name":
		return "shown in events and results; the file's name if unset"
	case "extends":
		return "a preset (none, basic, standard, strict, maximum) or a file relative to this one"
	case "isolation":
		return "none runs the tool bare"
	case "require":
		return "layers without which nothing starts"
	case "filesystem.rootfs":
		return "a folder used as the root in place of the host's /usr"
	case "filesystem.mounts":
		return "what of the host is bound into the sandbox"
	case "filesystem.mounts[].source":
		return "a path of the host; relative to this file, ~ is the caller's home"
	case "filesystem.mounts[].target":
		return "an absolute path inside"
	case "filesystem.hidden":
		return "absolute paths inside that are masked"
	case "syscalls.default":
		return "deny: only what allow lists; allow: all but what deny lists"
	case "syscalls.allow", "syscalls.deny":
		return "syscalls, @groups with systemd's names, or {names, args, why}; deny wins"
	case "syscalls.violation":
		return "errno: EPERM and an event; kill: the sandbox is killed, and an event"
	case "limits":
		return "0 means no limit"
	case "limits.memory":
		return "of all processes together, swap included"
	case "limits.cpus":
		return "0.5 is half a core"
	case "limits.pids":
		return "processes and threads"
	case "limits.timeout":
		return "wall clock"
	case "limits.cpu_time":
		return "summed over all processes"
	case "limits.disk":
		return "the sandbox's own storage; a bound writable folder is not limited"
	case "limits.output":
		return "stdout and stderr together"
	case "limits.io_weight":
		return "1 to 10000, the kernel's default is 100"
	case "network.mode":
		return "none: the loopback device only"
	case "environment.pass":
		return "variables handed on; no other reaches the tool"
	case "code.timeout":
		return "wall clock of mcpbox code where limits.timeout is unset"
	case "mcp.mode":
		return "what becomes of what no rule names: open (allowed), deny (not there); off: nothing is there"
	case "mcp.server":
		return "which server may run: its command line or sha256:… of its program or script, and versions as semver ranges"
	case "mcp.tools":
		return "names or patterns (*, ?, [a-z]) of the tools a client sees; deny wins"
	case "mcp.resources":
		return "URIs or patterns of the resources a client may read; deny wins"
	case "mcp.prompts":
		return "names or patterns of the prompts a client sees; deny wins"
	case "mcp.parameters":
		return "by tool: a JSON Schema its arguments must satisfy"
	case "mcp.paths":
		return "by tool and argument: folders inside the sandbox under which the path must lie, symbolic links resolved"
	case "mcp.input_schema":
		return "enforce: arguments must satisfy the tool's own inputSchema too"
	case "mcp.capabilities":
		return "by tool: what it needs (fs.read, fs.write, net, exec); --grant decides which tools exist"
	case "mcp.limits":
		return "by tool: limits of one call"
	case "mcp.pin":
		return "the approved definitions of the tools, and what a change of one means"
	case "mcp.output.mark":
		return "meta: _meta says where a result comes from; wrap: its texts stand in a tag, too; none: untouched"
	case "mcp.output.tag":
		return "the tag around a tool's texts; naming one means mark: wrap"
	case "mcp.output.strip":
		return "take terminal sequences, invisible and bidirectional characters out; wrap does so anyway"
	case "rules":
		return "what to do when an event matches an expression"
	}
	return ""
}
