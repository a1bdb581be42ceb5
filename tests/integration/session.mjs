// Holds a session with the server given on the command line, with the official TypeScript client, and prints what came of
// it, one JSON object a line: lists, results, errors, progress, a cancelled call, what the server asked back, a large output.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client(
  { name: "mcpbox-integration", version: "1" },
  { capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} } },
);
const say = (o) => console.log(JSON.stringify(o));
client.onerror = (e) => {
  if (!/unknown token/.test(e)) say({ error: String(e) }); // the server's last progress may come after its result
};
client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
  say({ sampled: params.messages });
  return { model: "fixed", role: "assistant", content: { type: "text", text: "four" } };
});
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
  say({ asked: params.message });
  return { action: "accept", content: { name: "Ada" } };
});
client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///srv/data", name: "data" }] }));
await client.connect(new StdioClientTransport({ command, args, stderr: "inherit" }));
say({ server: client.getServerVersion(), capabilities: client.getServerCapabilities() });
say(await client.listTools());
const call = async (name, args, options) => {
  try {
    say({ name, result: await client.callTool({ name, arguments: args }, undefined, options) });
  } catch (e) {
    say({ name, error: e.message, code: e.code });
  }
};
await call("echo", { message: "grüße \u2028 \ud83d\ude00" });
await call("get-structured-content", { location: "Chicago" });
await call("get-sum", { a: 1e21, b: -0.5 });
await call("no-such-tool", {});
await call("trigger-sampling-request", { prompt: "two plus two", maxTokens: 7 });
await call("trigger-elicitation-request", {});
await call("trigger-long-running-operation", { duration: 0.4, steps: 4 }, { onprogress: (p) => p.progress < p.total && say({ progress: p }) });
const stop = new AbortController();
setTimeout(() => stop.abort("enough"), 200);
await call("trigger-long-running-operation", { duration: 2, steps: 2 }, { signal: stop.signal });
const large = { message: "0123456789abcdef".repeat(1 << 18) }; // 4 MiB there and back
const back = await client.callTool({ name: "echo", arguments: large });
say({ large: back.content[0].text.length, same: back.content[0].text === "Echo: " + large.message });
const many = await Promise.all(Array.from({ length: 64 }, (_, i) => client.callTool({ name: "echo", arguments: { message: "m" + i } })));
say({ many: many.map((r) => r.content[0].text) });
await client.close();
