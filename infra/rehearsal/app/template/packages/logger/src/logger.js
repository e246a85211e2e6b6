// JSON lines on standard output, as Cloud Logging reads them. Nothing else may write there.

/** A logger whose lines carry `service: name`. */
export function getLogger(name) {
  const write = (level, message, fields = {}) => {
    const line = { level, time: new Date().toISOString(), service: name, msg: message, ...fields };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  return {
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}
