// A job's request as text for a terminal or a program.

const DEFAULTS = {
  limits: "enforce",
  engine: "auto",
  compute_units: "all",
  report: "epoch",
  max_attempts: 3,
  "checkpoint.every_epochs": 1,
  "checkpoint.keep": 3,
};

/** The request for the same job, without resolved values and without defaults. */
export function requestOf(job) {
  const { model, dataset, hyperparameters, checkpoint, ...rest } = job.request;
  const { digest: _digest, name: _name, ...source } = model;
  const { digest: _bytes, name: _called, classes: _classes, notices: _notices, ...data } = dataset;
  const whole = {
    name: rest.name,
    model: source,
    dataset: { ...data, id: dataset.name ?? dataset.id },
    hyperparameters,
    limits: rest.limits,
    engine: rest.engine,
    compute_units: rest.compute_units,
    report: rest.report,
    checkpoint,
    max_attempts: rest.max_attempts,
    timeout_seconds: rest.timeout_seconds,
    labels: rest.labels,
  };
  return without(whole);
}

/** The request as a command line of curl, with a token if the service requires one. */
export function curl(request, base, withToken) {
  const token = withToken ? ` -H "authorization: Bearer $(cat "$PIPPIN_TOKEN_FILE")"` : "";
  return `curl -s ${base}jobs${token} -H 'content-type: application/json' -d ${quoted(JSON.stringify(request, null, 2))}`;
}

/** The request for `pippin submit`, by stdin. */
export function commandLine(request, base) {
  const address = base.replace(/\/$/, "");
  const setting = address === "http://127.0.0.1:8000" ? "" : `PIPPIN_URL=${address} `;
  return `${setting}pippin submit --follow - <<'JSON'\n${JSON.stringify(request, null, 2)}\nJSON`;
}

/** The request in Python. */
export function python(request, base) {
  const address = base.replace(/\/$/, "");
  return [
    "from pippin.client import Client",
    "",
    `with Client(${literal(address)}) as client:`,
    `    job = client.submit(${literal(request, 1)})`,
    "    for epoch in client.follow(job.id):",
    "        print(epoch.epoch, epoch.loss, epoch.validation_accuracy)",
    "",
  ].join("\n");
}

function without(value, path = "") {
  if (value === null || value === DEFAULTS[path]) return undefined;
  if (Array.isArray(value) || typeof value !== "object" || path.startsWith("model.")) return value;
  const pairs = Object.entries(value).map(([key, part]) => [key, without(part, path ? `${path}.${key}` : key)]);
  const kept = pairs.filter(([, part]) => part !== undefined);
  return kept.length || !path ? Object.fromEntries(kept) : undefined;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function literal(value, depth = 0) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = "    ".repeat(depth + 1);
  const outer = "    ".repeat(depth);
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object")) return `[${value.map((item) => literal(item)).join(", ")}]`;
    return `[\n${value.map((item) => `${inner}${literal(item, depth + 1)},\n`).join("")}${outer}]`;
  }
  const entries = Object.entries(value);
  if (!entries.length) return "{}";
  return `{\n${entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${literal(item, depth + 1)},\n`).join("")}${outer}}`;
}
