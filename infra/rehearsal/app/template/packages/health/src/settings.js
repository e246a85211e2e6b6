/** Names that production has to define: the application reports itself as broken without them. */
export const REQUIRED_IN_PRODUCTION = ["DATABASE_URL"];

/** Required names that `environment` leaves out or empty; none outside production. */
export function missingSettings(environment) {
  if (environment.NODE_ENV !== "production") return [];
  return REQUIRED_IN_PRODUCTION.filter((name) => !environment[name]);
}
