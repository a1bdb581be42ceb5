package integration

import "testing"

const memory = "@modelcontextprotocol/server-memory/dist/index.js"

func memoryCalls() []call {
	entity := func(name string, seen ...any) map[string]any {
		return map[string]any{"name": name, "entityType": "person", "observations": seen}
	}
	relation := map[string]any{"from": "Ada", "to": "Grace", "relationType": "inspires"}
	return []call{
		{tool: "create_entities", args: map[string]any{"entities": []any{entity("Ada",
			"wrote notes"), entity("Grace")}}},
		{tool: "create_relations", args: map[string]any{"relations": []any{relation}}},
		{tool: "add_observations", args: map[string]any{"observations": []any{
			map[string]any{"entityName": "Grace", "contents": []any{"found a moth", "grüße"}}}}},
		{tool: "add_observations", args: map[string]any{"observations": []any{
			map[string]any{"entityName": "nobody", "contents": []any{"x"}}}}, wantError: true},
		{tool: "read_graph", args: map[string]any{}},
		{tool: "search_nodes", args: map[string]any{"query": "moth"}},
		{tool: "open_nodes", args: map[string]any{"names": []any{"Ada"}}},
		{tool: "delete_observations", args: map[string]any{"deletions": []any{
			map[string]any{"entityName": "Grace", "observations": []any{"grüße"}}}}},
		{tool: "delete_relations", args: map[string]any{"relations": []any{relation}}},
		{tool: "create_entities", args: map[string]any{"entities": []any{entity("Alan")}}},
		{tool: "delete_entities", args: map[string]any{"entityNames": []any{"Ada"}}},
		{tool: "read_graph", args: map[string]any{}},
	}
}

func TestServerMemoryAnswersTheSame(t *testing.T) {
	bare, boxed := bothSides(t, "standard")
	transcripts := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		s.env = []string{"MEMORY_FILE_PATH=" + s.work + "/memory.jsonl"}
		session, seen := s.connect(t, memory)
		transcripts[s.name] = s.transcript(t, session, seen, memoryCalls())
		_ = session.Close()

		// A second start reads what the first one kept.
		again, seen := s.connect(t, memory)
		transcripts[s.name] = append(transcripts[s.name], s.transcript(t, again, seen,
			memoryCalls())...)
	}
	sameTranscript(t, transcripts["bare"], transcripts["mcpbox"])
	sameTree(t, bare.host, boxed.host)
}
