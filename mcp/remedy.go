package mcp

// remedy says which rule a refusal comes of, for the operator who wants the call to be made; "" where no rule allows it.
// No name that the agent chose is in it: what stands here may be pasted into a shell.
func (s *session) remedy(c *call, layer string) string {
	var key string
	switch layer {
	case LayerGlobal:
		key = "mcp.mode"
	case LayerTool:
		key = "mcp.tools"
		switch c.method {
		case "resources/read", "resources/subscribe":
			key = "mcp.resources"
		case "prompts/get":
			key = "mcp.prompts"
		}
	case string(KindResource):
		key = "mcp.resources"
	case string(KindPrompt):
		key = "mcp.prompts"
	case LayerServer:
		key = "mcp.server"
	case LayerVersion:
		key = "mcp.server.version"
	case LayerParameter:
		key = "mcp.parameters, mcp.paths or mcp.input_schema"
	case LayerCapability:
		return "to allow it: --grant, or mcp.capabilities in the policy"
	case LayerPin:
		return pinRemedy
	default:
		return ""
	}
	if s.rules.beside == nil {
		return "to allow it: " + key + " in the policy"
	}
	return "to allow it: `mcpbox allow add` (`mcpbox allow list` shows the rules), and " + key + " in the policy, if that refuses it"
}
