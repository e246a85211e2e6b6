ALTER TABLE "note" ADD COLUMN "author" text DEFAULT 'anonymous' NOT NULL;--> statement-breakpoint
CREATE INDEX "note_created_at_idx" ON "note" USING btree ("created_at");