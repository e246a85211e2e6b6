CREATE TABLE "ai_model" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"provider" text NOT NULL,
	"context_window" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ai_model_pricing" (
	"id" serial PRIMARY KEY NOT NULL,
	"model_id" text NOT NULL,
	"input_usd_per_million" numeric(10, 4) NOT NULL,
	"output_usd_per_million" numeric(10, 4) NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ai_model_pricing_model_id_unique" UNIQUE("model_id")
);
--> statement-breakpoint
ALTER TABLE "ai_model_pricing" ADD CONSTRAINT "ai_model_pricing_model_id_ai_model_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."ai_model"("id") ON DELETE cascade ON UPDATE no action;