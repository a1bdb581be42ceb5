// Runs the server given on the command line and calls its task-based tool with
// the official TypeScript client, answering the one question it asks back.
// Prints the message types and the result, one JSON object a line.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CallToolResultSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [command, ...args] = process.argv.slice(2);
const client = new Client(
  { name: "mcpbox-integration", version: "1" },
  { capabilities: { elicitation: { form: {} } } },
);
const say = (o) => console.log(JSON.stringify(o));
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
  say({ asked: params.message });
  return { action: "accept", content: { interpretation: "technical" } };
});
await client.connect(new StdioClientTransport({ command, args, stderr: "inherit" }));
const stream = client.experimental.tasks.callToolStream(
  { name: "simulate-research-query", arguments: { topic: "sandboxes", ambiguous: true } },
  CallToolResultSchema,
  { task: { ttl: 60000 } },
);
for await (const message of stream) {
  if (message.type === "taskStatus") continue; // polled: how many come is a matter of time
  say({ type: message.type, result: message.result?.content, error: message.error?.message });
}
await client.close();
