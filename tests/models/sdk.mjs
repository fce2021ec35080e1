// Asks the server of argv[2] as the official SDK does and prints the message that it reads from the stream; argv[3] is the
// JSON Schema of the answer, where it has one.
import Anthropic from "@anthropic-ai/sdk";
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema";

const client = new Anthropic({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 });
const stream = client.messages.stream({
  model: "claude-sonnet-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "hello" }],
  ...(process.argv[3] && { output_config: { format: jsonSchemaOutputFormat(JSON.parse(process.argv[3])) } }),
});
let said = "";
stream.on("text", (text) => (said += text));
const message = await stream.finalMessage();
console.log(JSON.stringify({ said, message }));
