/** Names that production has to define: the application reports itself as broken without them. */
export const REQUIRED_IN_PRODUCTION = [];

/** Required names that `environment` leaves out or empty; none outside production. */
export function missingSettings(environment, required = REQUIRED_IN_PRODUCTION) {
  if (environment.NODE_ENV !== "production") return [];
  return required.filter((name) => !environment[name]);
}
