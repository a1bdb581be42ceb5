// Speaks to servers of `mcpbox serve` with the official TypeScript client, over streamable HTTP with a token, all at
// once. Prints one JSON object a line.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [base, token] = process.argv.slice(2);
const say = (o) => console.log(JSON.stringify(o));
const open = async (path) => {
  const client = new Client({ name: "mcpbox-integration", version: "1" });
  client.onerror = (e) => /AbortError/.test(e) || path.includes("/none/") || say({ path, error: String(e) });
  const transport = new StreamableHTTPClientTransport(new URL(base + path), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  });
  await client.connect(transport);
  return { client, close: async () => { await transport.terminateSession(); await client.close(); } };
};
const call = async (s, name, args) => (await s.client.callTool({ name, arguments: args })).content.map((c) => c.text ?? "").join("");

await Promise.all([
  (async () => {
    const s = await open("/v1/servers/everything/mcp");
    const tools = (await s.client.listTools()).tools.map((t) => t.name);
    say({ server: "everything", echo: await call(s, "echo", { message: "over HTTP" }), tools: tools.length });
    await s.close();
  })(),
  (async () => {
    const s = await open("/v1/servers/files/mcp");
    await call(s, "write_file", { path: "/work/note.txt", content: "written by the agent" });
    say({ server: "files", read: await call(s, "read_text_file", { path: "/work/note.txt" }) });
    const out = await s.client.callTool({ name: "read_text_file", arguments: { path: "/etc/passwd" } });
    say({ server: "files", outside: out.isError === true });
    await s.close();
  })(),
  (async () => {
    const s = await open("/v1/servers/memory/mcp");
    await call(s, "create_entities", { entities: [{ name: "Ada", entityType: "person", observations: ["counts"] }] });
    say({ server: "memory", graph: (await call(s, "read_graph", {})).includes("Ada") });
    await s.close();
  })(),
  (async () => {
    const s = await open("/v1/mcp");
    const r = await s.client.callTool({ name: "run_code", arguments: { language: "python", code: "print(6 * 7)" } });
    say({ server: "run_code", stdout: r.structuredContent.stdout });
    await s.close();
  })(),
]);
await open("/v1/servers/none/mcp").catch((e) => say({ unknown: /404/.test(String(e)) || String(e) }));
const wrong = new StreamableHTTPClientTransport(new URL(base + "/v1/mcp"), { requestInit: { headers: { Authorization: "Bearer wrong" } } });
await new Client({ name: "x", version: "1" }).connect(wrong).catch((e) => say({ refused: /401|Unauthorized/.test(String(e)) || String(e) }));
