// Values as text, and the order of jobs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, figure } from "../../../service/dashboard/app/lib/format.js";
import { JobList } from "../../../service/dashboard/app/lib/job-list.js";

test("losses are in plain notation", () => {
  assert.deepEqual([0.00012344, 2.34567, 123456.7, 0, 3e-9, null].map(figure), ["0.0001234", "2.346", "123,500", "0", "3e-9", "–"]);
});

test("durations are never negative, and carry over to the next unit", () => {
  const texts = [-3, 9.96, 59.7, 119.6, 3599.6, 7260, 90_000].map(duration);
  assert.deepEqual(texts, ["0.0 s", "10 s", "1 min 0 s", "2 min 0 s", "1 h 0 min", "2 h 1 min", "1 d 1 h"]);
});

test("jobs are sorted by a column, those without a value last", () => {
  const job = (id, loss, name) => ({ id, name, latest_metrics: loss === null ? null : { loss }, progress: { epoch: 1, epochs: 2 } });
  const list = new JobList({});
  list.jobs = [job("job_4", 0.5, "run 10"), job("job_3", null, "run 9"), job("job_2", 0.1, "run 1"), job("job_1", 0.5, null)];
  const order = (sort) => {
    list.sort = sort;
    return list.shown.map(({ id }) => id.slice(-1)).join("");
  };
  assert.equal(order(null), "4321");
  assert.equal(order({ column: "loss", isDescending: false }), "2413");
  assert.equal(order({ column: "loss", isDescending: true }), "4123");
  assert.equal(order({ column: "job", isDescending: false }), "1234");
});
