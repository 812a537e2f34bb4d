// The calls of calls.py by the OpenAI SDK for Node, with the same arguments and the same output.
import { createReadStream, readFileSync } from "node:fs";
import OpenAI, { toFile } from "openai";

const [base, recording, silence, guarded] = process.argv.slice(2);
const client = new OpenAI({ baseURL: base, apiKey: "none", maxRetries: 0 });
const create = (fields) =>
  client.audio.transcriptions.create({ model: "whisper-1", file: createReadStream(recording), ...fields });

async function codeOf(call) {
  try {
    await call();
  } catch (error) {
    return [error.constructor.name, error.status, error.code];
  }
  return null;
}

const { version } = JSON.parse(readFileSync(new URL("node_modules/openai/package.json", import.meta.url)));
const out = { version, formats: {} };
out.text = (await create({})).text;
for (const response_format of ["json", "text", "srt", "vtt", "verbose_json"]) {
  const answer = await create({ model: "echo", response_format });
  out.formats[response_format] = typeof answer === "string" ? answer : answer.text;
}
const timed = await create({
  response_format: "verbose_json",
  timestamp_granularities: ["word", "segment"],
});
out.words = timed.words.map((word) => word.word);
out.segments = timed.segments.map((segment) => segment.text.trim());
out.deltas = "";
for await (const event of await create({ stream: true })) {
  if (event.type === "transcript.text.delta") out.deltas += event.delta;
  if (event.type === "transcript.text.done") out.done = event.text;
}
out.async = (await create({ model: "echo" })).text;
out.silent = (await create({ file: createReadStream(silence) })).text;
const translation = await client.audio.translations.create({
  model: "whisper-1",
  file: createReadStream(recording),
});
out.translated = translation.text;
out.models = [];
for await (const model of client.models.list()) out.models.push(model.id);
out.models.sort();
out.retrieved = (await client.models.retrieve("whisper/whisper-base")).id;
out["unknown model"] = await codeOf(() => create({ model: "nonsense" }));
out["not audio"] = await codeOf(async () => create({ file: await toFile(Buffer.from("no sound at all"), "a.wav") }));

const options = { baseURL: guarded, maxRetries: 0 };
const owner = new OpenAI({ ...options, apiKey: "right" });
out["wrong key"] = await codeOf(() => new OpenAI({ ...options, apiKey: "wrong" }).models.list());
const deleted = await owner.models.delete("away");
out.deleted = [deleted.id, deleted.deleted];
out["deleted again"] = await codeOf(() => owner.models.delete("away"));
console.log(JSON.stringify(out));
