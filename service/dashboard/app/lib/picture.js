// Pictures as a model receives them. A grey picture is a Float32Array of 0 to 255, row by row.

const WHITE = 255;

/** The brightness of every pixel of a canvas. */
export function grey(canvas) {
  const { data } = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, canvas.width, canvas.height);
  return Float32Array.from({ length: data.length / 4 }, (_, n) => 0.299 * data[4 * n] + 0.587 * data[4 * n + 1] + 0.114 * data[4 * n + 2]);
}

/** The smallest box around pixels brighter than a tenth, as {left, top, width, height}; null if there are none. */
export function box(pixels, width) {
  let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
  pixels.forEach((value, n) => {
    if (value <= WHITE / 10) return;
    const [x, y] = [n % width, Math.floor(n / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** A canvas of another size with a part of `source`. It halves step by step, so that thin lines are not lost. */
export function resized(source, { left = 0, top = 0, width = source.width, height = source.height }, toWidth, toHeight) {
  let [from, x, y, w, h] = [source, left, top, width, height];
  while (w > 2 * toWidth && h > 2 * toHeight) {
    const [halfWidth, halfHeight] = [Math.ceil(w / 2), Math.ceil(h / 2)];
    from = drawn(from, [x, y, w, h], blank(halfWidth, halfHeight), [0, 0, halfWidth, halfHeight]);
    [x, y, w, h] = [0, 0, halfWidth, halfHeight];
  }
  return drawn(from, [x, y, w, h], blank(toWidth, toHeight), [0, 0, toWidth, toHeight]);
}

/**
 * A digit as MNIST has them: scaled, its proportions kept, so that it fills a box of 20 of 28 pixels, and moved so
 * that its centre of mass is in the middle (Y. LeCun, C. Cortes, C. Burges, The MNIST database).
 */
export function centred(canvas, toWidth, toHeight) {
  const target = blank(toWidth, toHeight);
  const bounds = box(grey(canvas), canvas.width);
  if (!bounds) return target;
  const scale = Math.min((toWidth * 20) / 28 / bounds.width, (toHeight * 20) / 28 / bounds.height);
  const width = Math.max(1, Math.round(bounds.width * scale));
  const height = Math.max(1, Math.round(bounds.height * scale));
  const small = resized(canvas, bounds, width, height);
  let [mass, x, y] = [0, 0, 0];
  grey(small).forEach((value, n) => {
    mass += value;
    x += value * ((n % width) + 0.5);
    y += value * (Math.floor(n / width) + 0.5);
  });
  const left = Math.round(toWidth / 2 - x / mass);
  const top = Math.round(toHeight / 2 - y / mass);
  return drawn(small, [0, 0, width, height], target, [left, top, width, height]);
}

/** The canvas as a PNG file, without loss. */
export function png(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Draws values nested [1 or 3][H][W] onto a canvas of that size. The value `white` is shown as white. */
export function paint(canvas, nested, white) {
  const [height, width] = [nested[0].length, nested[0][0].length];
  canvas.width = width;
  canvas.height = height;
  const picture = new ImageData(width, height);
  for (let n = 0; n < width * height; n += 1) {
    for (let c = 0; c < 3; c += 1) {
      picture.data[4 * n + c] = (WHITE * nested[nested.length === 3 ? c : 0][Math.floor(n / width)][n % width]) / white;
    }
    picture.data[4 * n + 3] = WHITE;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** A black canvas. */
export function blank(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillRect(0, 0, width, height);
  return canvas;
}

function drawn(source, from, target, to) {
  const context = target.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...from, ...to);
  return target;
}
