package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const filesystem = "@modelcontextprotocol/server-filesystem/dist/index.js"

// stamps matches the times in get_file_info.
var stamps = regexp.MustCompile(`(created|modified|accessed): [^\\"]*`)

func filesystemCalls() []call {
	p := func(name string) string { return "{work}/" + name }
	return []call{
		{tool: "list_allowed_directories", args: map[string]any{}},
		{tool: "write_file", args: map[string]any{"path": p("notes.txt"),
			"content": "one\ntwo\nthree\n"}},
		{tool: "create_directory", args: map[string]any{"path": p("a/b/c")}},
		{tool: "write_file", args: map[string]any{"path": p("a/b/c/deep.txt"), "content": "grüße"}},
		{tool: "read_file", args: map[string]any{"path": p("notes.txt")}},
		{tool: "read_text_file", args: map[string]any{"path": p("notes.txt"), "head": 2}},
		{tool: "read_text_file", args: map[string]any{"path": p("notes.txt"), "tail": 1}},
		{tool: "read_text_file", args: map[string]any{"path": p("absent.txt")}, wantError: true},
		{tool: "read_media_file", args: map[string]any{"path": p("dot.gif")}},
		{tool: "read_multiple_files", args: map[string]any{"paths": []any{p("notes.txt"),
			p("absent.txt"), p("a/b/c/deep.txt")}}},
		{tool: "edit_file", args: map[string]any{"path": p("notes.txt"), "dryRun": true,
			"edits": []any{map[string]any{"oldText": "two", "newText": "2"}}}},
		{tool: "edit_file", args: map[string]any{"path": p("notes.txt"),
			"edits": []any{map[string]any{"oldText": "three", "newText": "3"}}}},
		{tool: "list_directory", args: map[string]any{"path": "{work}"}},
		{tool: "list_directory_with_sizes", args: map[string]any{"path": p("a/b/c"),
			"sortBy": "size"}},
		{tool: "directory_tree", args: map[string]any{"path": "{work}"}},
		{tool: "move_file", args: map[string]any{"source": p("a/b/c/deep.txt"),
			"destination": p("a/moved.txt")}},
		{tool: "search_files", args: map[string]any{"path": "{work}", "pattern": "**/*.txt"}},
		{tool: "get_file_info", args: map[string]any{"path": p("a/moved.txt")}, mask: stamps},
		{tool: "read_text_file", args: map[string]any{"path": "/etc/hostname"}, wantError: true},
		{tool: "read_text_file", args: map[string]any{"path": p("../outside.txt")}, wantError: true,
			mask: regexp.MustCompile(`\S+outside.txt`)},
	}
}

func TestServerFilesystemAnswersTheSame(t *testing.T) {
	bare, boxed := bothSides(t, "standard")
	sameFilesystemSession(t, bare, boxed)
}

func TestServerFilesystemAnswersTheSameThroughTheProxy(t *testing.T) {
	bare, boxed := proxied(t, "{output: {mark: none}, input_schema: enforce}")
	sameFilesystemSession(t, bare, boxed)
}

func sameFilesystemSession(t *testing.T, bare, boxed *side) {
	t.Helper()
	transcripts := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		write(t, filepath.Join(s.host, "dot.gif"),
			"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,"+
				"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
		write(t, filepath.Join(s.host, "..", "outside.txt"), "not for the server")
		session, seen := s.connect(t, filesystem, s.work)
		transcripts[s.name] = s.transcript(t, session, seen, filesystemCalls())
	}
	sameTranscript(t, transcripts["bare"], transcripts["mcpbox"])
	sameTree(t, bare.host, boxed.host)
}

func TestFilesMadeInTheWorkspaceBelongToItsOwner(t *testing.T) {
	_, boxed := bothSides(t, "standard")
	owner := os.Getuid()
	if owner == 0 {
		owner = 12345 // an account of the host that is not the caller
		for dir := boxed.host; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(boxed.host, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	session, _ := boxed.connect(t, filesystem, boxed.work)
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "write_file",
		Arguments: map[string]any{"path": "/work/new.txt", "content": "x"}})
	if err != nil || res.IsError {
		t.Fatalf("write_file: %v %s", err, boxed.canonical(t, res))
	}
	if got := uidOf(t, filepath.Join(boxed.host, "new.txt")); got != owner {
		t.Errorf("a file made inside belongs to uid %d outside, want %d", got, owner)
	}
}
