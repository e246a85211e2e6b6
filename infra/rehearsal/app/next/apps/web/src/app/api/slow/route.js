import { parseDuration, slowLines } from "../../../../../../packages/content/src/slow.js";

export const dynamic = "force-dynamic";

export function GET(request) {
  const asked = new URL(request.url).searchParams.get("ms");
  const lines = ReadableStream.from(slowLines(parseDuration(asked)));
  return new Response(lines.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}
