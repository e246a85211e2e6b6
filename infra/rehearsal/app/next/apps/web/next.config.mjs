import { fileURLToPath } from "node:url";

// The packages beside apps/ are compiled and traced with the application.
const root = fileURLToPath(new URL("../..", import.meta.url));

export default {
  output: "standalone",
  outputFileTracingRoot: root,
  turbopack: { root },
  // No picture is resized here; the library for it is built for another C library than the image's.
  images: { unoptimized: true },
  outputFileTracingExcludes: { "*": ["**/node_modules/sharp/**", "**/node_modules/@img/**"] },
  poweredByHeader: false,
};
