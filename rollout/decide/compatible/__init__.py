"""Whether a release's code can live with a schema: one family of rules a file, `judge` over all."""
