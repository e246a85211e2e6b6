import { integer, numeric, pgTable, serial, text, timestamp } from "drizzle-orm/pg-core";

export const models = pgTable("ai_model", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  provider: text("provider").notNull(),
  contextWindow: integer("context_window").notNull(),
});

export const pricing = pgTable("ai_model_pricing", {
  id: serial("id").primaryKey(),
  modelId: text("model_id")
    .notNull()
    .unique()
    .references(() => models.id, { onDelete: "cascade" }),
  inputUsdPerMillion: numeric("input_usd_per_million", { precision: 10, scale: 4 }).notNull(),
  outputUsdPerMillion: numeric("output_usd_per_million", { precision: 10, scale: 4 }).notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).defaultNow().notNull(),
});
