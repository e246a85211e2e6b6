import { index, pgTable, serial, text, timestamp } from "drizzle-orm/pg-core";

export const notes = pgTable(
  "note",
  {
    id: serial("id").primaryKey(),
    body: text("body").notNull(),
    author: text("author").default("anonymous").notNull(),
    createdAt: timestamp("created_at", { withTimezone: true }).defaultNow().notNull(),
  },
  (table) => [
    index("note_created_at_idx").on(table.createdAt),
  ],
);
