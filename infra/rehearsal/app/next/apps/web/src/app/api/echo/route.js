const MAX_BODY_BYTES = 1024 * 1024;

export async function POST(request) {
  const body = await request.arrayBuffer();
  if (body.byteLength > MAX_BODY_BYTES) {
    return Response.json({ error: `the body is larger than ${MAX_BODY_BYTES} bytes` }, { status: 413 });
  }
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  return new Response(body, { headers: { "content-type": type } });
}
