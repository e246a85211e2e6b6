import { heading } from "./greeting.js";

/** The first page as HTML. `version` is the commit that was built. */
export function renderPage(version) {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Trovella</title></head>
<body>
<h1>${heading()}</h1>
<p>Version <code>${version}</code></p>
</body>
</html>
`;
}
