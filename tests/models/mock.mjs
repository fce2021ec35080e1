// Serves aimock on a free port of loopback until stdin ends; prints its address.
import { LLMock } from "@copilotkit/aimock";

// Nothing beyond the basic plane: aimock cuts between the halves of a surrogate pair, and half a character is no text.
const answer = { severity: "low", reason: "a “typo”, €" };
const mock = new LLMock({ port: 0, chunkSize: 3 });
mock.onMessage(/anthropic json/, { content: JSON.stringify(answer), usage: { input_tokens: 11, output_tokens: 7 } });
mock.onMessage(/anthropic tool/, { toolCalls: [{ name: "give_answer", arguments: JSON.stringify(answer) }], usage: { input_tokens: 11, output_tokens: 7 } });
mock.onMessage(/openai json/, { content: JSON.stringify(answer), usage: { prompt_tokens: 11, completion_tokens: 7 } });
mock.onMessage(/openai tool/, { toolCalls: [{ name: "give_answer", arguments: JSON.stringify(answer) }], usage: { prompt_tokens: 11, completion_tokens: 7 } });
mock.onMessage(/words/, { content: "Some words, cut anywhere: äöü €." });
mock.onMessage(/refuse/, { error: { message: "no such thing here", type: "invalid_request_error" }, status: 400 });
await mock.start();
console.log(mock.url);
process.stdin.resume();
process.stdin.on("end", async () => {
  await mock.stop();
  process.exit(0);
});
