"""A server for SQLite in the standard library: one tool, which writes to its database."""
import json, sqlite3, sys

db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode=WAL")
db.execute("create table if not exists notes(text)")
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    if m["method"] == "initialize":
        r = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "sqlite", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": "add_note", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}]}
    elif m["method"] == "tools/call":
        db.execute("insert into notes values (?)", (m["params"]["arguments"]["text"],))
        db.commit()
        n = db.execute("select count(*) from notes").fetchone()[0]
        r = {"content": [{"type": "text", "text": "%d notes" % n}]}
    else:
        r = {}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
