package proxy

import "github.com/mcpbox/mcpbox/mcp/access"

const pinHint = "to approve it: look at `mcpbox mcp diff`, then `mcpbox mcp pin`"

// hintFor says which rule a refusal comes of, for the operator who wants the call to be made; "" where no rule allows it.
// No name that the agent chose is in it: what stands here may be pasted into a shell.
func (s *session) hintFor(c *call, layer access.Layer) string {
	var key string
	switch layer {
	case access.LayerGlobal:
		key = "mcp.mode"
	case access.LayerTool:
		key = "mcp.tools"
		switch c.method {
		case "resources/read", "resources/subscribe":
			key = "mcp.resources"
		case "prompts/get":
			key = "mcp.prompts"
		}
	case access.LayerResource:
		key = "mcp.resources"
	case access.LayerPrompt:
		key = "mcp.prompts"
	case access.LayerServer:
		key = "mcp.server"
	case access.LayerVersion:
		key = "mcp.server.version"
	case access.LayerParameter:
		key = "mcp.parameters, mcp.paths or mcp.input_schema"
	case access.LayerCapability:
		return "to allow it: --grant, or mcp.capabilities in the policy"
	case access.LayerPin:
		return pinHint
	default:
		return ""
	}
	if s.rules.Beside == nil {
		return "to allow it: " + key + " in the policy"
	}
	return "to allow it: `mcpbox allow add` (`mcpbox allow list` shows the rules), and " + key + " in the policy, if that refuses it"
}
