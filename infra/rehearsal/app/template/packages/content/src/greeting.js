/** Counts the published editions: each commit of the rehearsal raises it by one. */
export const EDITION = 1;

/** The heading of the first page. */
export function heading(edition = EDITION) {
  return `Trovella, edition ${edition}`;
}
