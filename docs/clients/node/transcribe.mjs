// Transcribe a recording with the OpenAI SDK: npm install && node transcribe.mjs RECORDING [MODEL]
//
// Reads OPENAI_BASE_URL and OPENAI_API_KEY. Prints the text while it appears, then every word with its time.
import { createReadStream } from "node:fs";
import OpenAI from "openai";

const [recording, model = "whisper-1"] = process.argv.slice(2);
const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8000/v1",
  apiKey: process.env.OPENAI_API_KEY ?? "none", // any text, until the server asks for a key
  timeout: 3_600_000, // the SDK gives up after ten minutes otherwise, and sends the file again
});

try {
  const stream = await client.audio.transcriptions.create({
    model,
    file: createReadStream(recording),
    stream: true,
  });
  for await (const event of stream) {
    if (event.type === "transcript.text.delta") process.stdout.write(event.delta);
  }
  process.stdout.write("\n");
  const timed = await client.audio.transcriptions.create({
    model,
    file: createReadStream(recording),
    response_format: "verbose_json",
    timestamp_granularities: ["word"],
  });
  for (const { start, end, word } of timed.words ?? []) {
    console.log(`${start.toFixed(2).padStart(7)} ${end.toFixed(2).padStart(7)}  ${word}`);
  }
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  console.error(`The server says ${error.status ?? "nothing"} ${error.code ?? ""}: ${error.message}`);
  process.exitCode = 1;
}
