import { heading } from "../../../../packages/content/src/greeting.js";

// Rendered when asked, not when built: the version is known to the running container only.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <>
      <h1>{heading()}</h1>
      <p>
        Version <code>{process.env.APP_VERSION || "development"}</code>
      </p>
    </>
  );
}
