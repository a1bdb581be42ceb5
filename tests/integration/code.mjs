// Holds a session with `mcpbox mcp-server` with the official TypeScript client: over stdio with the command given on the
// command line, over streamable HTTP with a URL. Prints one JSON object a line.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "mcpbox-integration", version: "1" });
const say = (o) => console.log(JSON.stringify(o));
client.onerror = (e) => {
  // the last progress may come after the result, the answer to a cancelled call after that; closing ends the stream
  if (!/unknown (token|message ID)|disconnected: AbortError/.test(e)) say({ error: String(e) });
};
const transport = /^http:/.test(command) ? new StreamableHTTPClientTransport(new URL(command)) : new StdioClientTransport({ command, args, stderr: "inherit" });
await client.connect(transport);
say({ tools: (await client.listTools()).tools.map((t) => t.name) });
const progress = [];
const call = (name, a, options) => client.callTool({ name, arguments: a }, undefined, options); // checks structuredContent against outputSchema
const ok = await call("run_code", { language: "python", code: "print(6 * 7)\nopen('/work/out/f', 'w').write('file')" }, { onprogress: (p) => progress.push(p.message) });
say({ stdout: ok.structuredContent.stdout, text: ok.content[0].text, progress: progress.length > 0 });
say({ file: (await client.readResource({ uri: ok.content[1].uri })).contents[0].text });
const refused = await call("secure_sandbox", { language: "node", code: "require('child_' + 'process')" });
say({ status: refused.structuredContent.status, isError: refused.isError });
const abort = new AbortController();
const began = Date.now();
await call("run_code", { language: "bash", code: "sleep 100" }, { signal: abort.signal, onprogress: (p) => p.message === "run" && abort.abort("enough") }).catch((e) => say({ cancelled: String(e).includes("enough"), soon: Date.now() - began < 9000 }));
say({ after: (await call("run_code", { language: "bash", code: "echo on" })).structuredContent.stdout });
await client.close();
