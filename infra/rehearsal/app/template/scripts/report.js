/** Prints what a check found and fails the process if that is anything. */
export function report(check, count, findings) {
  for (const finding of findings) process.stderr.write(`${finding}\n`);
  process.stdout.write(`${check}: ${count} looked at, ${findings.length} to mend\n`);
  if (findings.length > 0) process.exitCode = 1;
}
