// The chart modules that need no browser: ticks, ranges, smoothing, reduction of dense lines, zoom, words, CSV.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { csvOf, fileName } from "../../../service/dashboard/app/lib/chart/files.js";
import { linear, logarithmic, range, ticks } from "../../../service/dashboard/app/lib/chart/scales.js";
import { batchPoints, drawnPoints, extents, line, nearest, smoothed } from "../../../service/dashboard/app/lib/chart/series.js";
import { summary, valueText } from "../../../service/dashboard/app/lib/chart/text.js";
import { Zoom } from "../../../service/dashboard/app/lib/chart/zoom.js";

const texts = (...of) => ticks(...of).map(({ text }) => text);

describe("ticks", () => {
  for (const [name, scale, count, how, expected] of [
    ["of few epochs are at whole numbers", linear(1, 3), 8, { whole: true }, ["1", "2", "3"]],
    ["of many epochs are at round numbers", linear(1, 5000), 5, { whole: true }, ["1,000", "2,000", "3,000", "4,000", "5,000"]],
    ["of shares are per cent", linear(0.9, 0.96), 3, { format: "percent" }, ["90 %", "92 %", "94 %", "96 %"]],
    ["of small losses are in plain notation", linear(0, 0.00023), 3, {}, ["0.0000", "0.0001", "0.0002"]],
    ["of a logarithmic axis are powers of ten", logarithmic(1e-4, 10), 6, {}, ["0.0001", "0.001", "0.01", "0.1", "1", "10"]],
    ["of a short logarithmic axis have steps between", logarithmic(0.1, 1), 6, {}, ["0.1", "0.2", "0.5", "1"]],
    ["of a very short logarithmic axis are those of a linear one", logarithmic(1.1, 1.4), 3, {}, ["1.1", "1.2", "1.3", "1.4"]],
  ]) {
    test(name, () => assert.deepEqual(texts(scale, count, how), expected));
  }

  test("are never so many that they overlap", () => {
    for (const high of [1e-6, 0.3, 7, 1e3, 1e9]) assert.ok(ticks(linear(0, high), 5).length <= 11);
    assert.ok(ticks(logarithmic(1e-30, 1e30), 5).length <= 11);
  });
});

describe("the range of an axis", () => {
  for (const [name, extent, how, expected] of [
    ["leaves a margin", [0, 10], {}, [-0.5, 10.5]],
    ["begins at 0 if it is to", [5, 10], { zero: true }, [0, 10.5]],
    ["of an accuracy stays within 0 to 100 %", [0.5, 1], { within: [0, 1] }, [0.475, 1.02]],
    ["of equal values surrounds them", [2, 2], {}, [1, 3]],
    ["without values is there", [], {}, [0, 1]],
    ["without positive values is there on a logarithmic axis", [], { log: true }, [0.1, 1]],
  ]) {
    test(name, () => assert.deepEqual(range(extent, how), expected));
  }
});

test("smoothing is an average that is corrected for its start and leaves gaps", () => {
  assert.deepEqual(smoothed([4, 4, null, 4], 0.9).map((value) => value && Number(value.toFixed(9))), [4, 4, null, 4]);
  assert.equal(smoothed([0, 1], 0.5)[1], 2 / 3);
  const values = [1, 2];
  assert.equal(smoothed(values, 0), values);
});

test("a smoothed line keeps the values behind it", () => {
  const drawn = line({ name: "loss", x: [1, 2], y: [1, 0], smoothing: 0.5 });
  assert.deepEqual([drawn.faint, drawn.y], [[1, 0], [1, 1 / 3]]);
});

test("the mini-batches of an epoch lie between the epoch before and its own", () => {
  const batches = new Map([[2, [3, 4]], [1, [1, 2]]]);
  assert.deepEqual(batchPoints(batches), { x: [0.5, 1, 1.5, 2], y: [1, 2, 3, 4] });
});

test("the extent leaves out what an axis cannot show", () => {
  const series = [{ name: "a", x: [1, 2, 3, 4], y: [null, -1, 5, Infinity] }];
  assert.deepEqual(extents(series), { x: [1, 4], y: [-1, 5] });
  assert.deepEqual(extents(series, { log: true }).y, [5, 5]);
  assert.deepEqual(extents(series, { xs: [1, 2] }).y, [-1, -1]);
  assert.deepEqual(extents([]), { x: [], y: [] });
});

test("the nearest value is found at both ends and between", () => {
  const x = [1, 2, 4];
  assert.deepEqual([-5, 1.4, 1.6, 3.1, 9].map((wanted) => nearest(x, wanted)), [0, 0, 1, 2, 2]);
  assert.equal(nearest([], 1), -1);
});

describe("a drawn line", () => {
  const same = (value) => value;

  test("has a gap where a value is missing", () => {
    const points = drawnPoints({ x: [0, 1, 2], y: [5, null, 7] }, (x) => 100 * x, same, [0, 2], false);
    assert.deepEqual(points, [[0, 5], null, [200, 7]]);
  });

  test("of 285,000 values keeps every peak, with at most four points for a column of pixels", () => {
    const count = 285_000;
    const x = Float64Array.from({ length: count }, (_, n) => n);
    const y = Float64Array.from({ length: count }, (_, n) => Math.sin(n / 1000));
    y[123_456] = 50;
    y[200_000] = -50;
    const points = drawnPoints({ x, y }, (value) => (800 * value) / count, same, [0, count], false);
    assert.ok(points.length <= 4 * 801);
    assert.equal(Math.max(...points.map(([, value]) => value)), 50);
    assert.equal(Math.min(...points.map(([, value]) => value)), -50);
  });

  test("that is zoomed into leads beyond both edges", () => {
    const x = Array.from({ length: 100 }, (_, n) => n);
    const points = drawnPoints({ x, y: x }, (value) => 100 * value, same, [10.5, 12.5], false);
    assert.deepEqual(points.map(([, value]) => value), [10, 11, 12, 13]);
  });
});

describe("zoom", () => {
  const whole = /** @type {[number, number]} */ ([0, 100]);

  test("keeps the place of the pointer, and ends where all is shown", () => {
    const zoom = new Zoom();
    zoom.about(linear(0, 100), 0.25, 2, whole);
    assert.deepEqual(zoom.x, [12.5, 62.5]);
    zoom.about(linear(12.5, 62.5), 0.25, 0.5, whole);
    assert.equal(zoom.isOn, false);
  });

  test("moves within the values only", () => {
    const zoom = new Zoom();
    zoom.toX(linear(0, 100), 0.8, 1);
    zoom.pan(linear(80, 100), 0.5, whole);
    assert.deepEqual(zoom.x, [80, 100]);
    zoom.pan(linear(80, 100), -0.5, whole);
    assert.deepEqual(zoom.x, [70, 90]);
  });

  test("does not go on beyond the resolution of numbers", () => {
    const zoom = new Zoom();
    for (let n = 0; n < 200; n += 1) zoom.about(linear(...(zoom.x ?? whole)), 0.5, 2, whole);
    assert.ok(zoom.x[1] > zoom.x[0]);
  });
});

test("a chart in words has the ends and the extremes of each line", () => {
  const series = [{ name: "Training", x: [1, 2, 3], y: [2.5, 0.25, 0.5] }, { name: "Validation", x: [1], y: [null] }];
  assert.equal(
    summary(series, "epoch"),
    "Training: from 2.5 at epoch 1 to 0.5 at epoch 3; lowest 0.25 at epoch 2, highest 2.5 at epoch 1. Validation: no values.",
  );
});

test("values have four significant digits in plain notation", () => {
  assert.deepEqual([0.000123456, 1234.567, 0, 7, NaN].map((value) => valueText(value)), ["0.0001235", "1,235", "0", "7", "–"]);
  assert.equal(valueText(0.98765, "percent"), "98.77 %");
});

test("CSV has the values without smoothing, and no cell that a spreadsheet would run", () => {
  const series = [{ name: '=1+1,"x"', x: [1, 2], y: [9, 9], faint: [0.5, null] }];
  assert.equal(csvOf(series, { x: "Epoch", y: "Loss" }), 'series,Epoch,Loss\r\n"\'=1+1,""x""",1,0.5\r\n"\'=1+1,""x""",2,\r\n');
  assert.equal(fileName("Loss of each epoch!", "csv"), "loss-of-each-epoch.csv");
});
