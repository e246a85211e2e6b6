import { health } from "../../../../../../packages/health/src/health.js";

export const dynamic = "force-dynamic";

export async function GET() {
  const { status, body } = await health();
  return Response.json(body, { status });
}
