import { addNote, listNotes, parseNote } from "../../../../../../packages/db/src/notes.js";

export const dynamic = "force-dynamic";

export async function GET() {
  return Response.json(await listNotes());
}

export async function POST(request) {
  const note = parseNote(await request.json().catch(() => null));
  if (!note) {
    return Response.json({ error: "a note is a JSON object with a text in body" }, { status: 400 });
  }
  return Response.json(await addNote(note), { status: 201 });
}
