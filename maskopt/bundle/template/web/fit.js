// A picture brought to the model's size as in training: Pillow's bilinear filter, which is widened when it shrinks.

export function fit(image, {width_px: width, height_px: height, aspect, background}) {
  let [x, y, w, h] = [0, 0, image.width, image.height];
  if (aspect === 'crop') {
    const scale = Math.min(w / width, h / height);
    [x, y, w, h] = [(w - width * scale) / 2, (h - height * scale) / 2, width * scale, height * scale];
  }
  if (aspect !== 'pad') return resize(image, x, y, w, h, width, height);
  const longer = Math.max(w, h);
  const [inner, outer] = [w * width, h * height].map((side) => Math.max(1, round(side / longer)));
  const small = resize(image, 0, 0, w, h, inner, outer);
  const padded = new Uint8Array(width * height * 3).map((_, i) => background[i % 3]);
  const [left, top] = [Math.floor((width - inner) / 2), Math.floor((height - outer) / 2)];
  for (let row = 0; row < outer; row++) {
    padded.set(small.subarray(row * inner * 3, (row + 1) * inner * 3), ((top + row) * width + left) * 3);
  }
  return padded;
}

// As Python does: a half goes to the even neighbour.
function round(side) {
  return side % 2 === 0.5 ? Math.floor(side) : Math.round(side);
}

// Weights of the pixels that one pixel of the result is made of, along one side.
function triangles(from, length, size, target) {
  const scale = length / target;
  const support = Math.max(scale, 1);
  return Array.from({length: target}, (_, i) => {
    const centre = from + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const last = Math.min(size, Math.floor(centre + support + 0.5));
    const weights = Array.from({length: last - first}, (_, k) =>
        Math.max(0, 1 - Math.abs((first + k + 0.5 - centre) / support)));
    const sum = weights.reduce((a, b) => a + b, 0);
    return {first, weights: weights.map((weight) => weight / sum)};
  });
}

function resize(image, x, y, w, h, width, height) {
  const across = triangles(x, w, image.width, width);
  const down = triangles(y, h, image.height, height);
  const rows = new Uint8Array(image.height * width * 3); // rounded in between, as Pillow does
  for (let row = 0; row < image.height; row++) {
    across.forEach(({first, weights}, column) => {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        weights.forEach((weight, k) => sum += weight * image.data[(row * image.width + first + k) * 4 + c]);
        rows[(row * width + column) * 3 + c] = sum + 0.5; // a half goes up
      }
    });
  }
  const result = new Uint8Array(width * height * 3);
  down.forEach(({first, weights}, row) => {
    for (let i = 0; i < width * 3; i++) {
      let sum = 0;
      weights.forEach((weight, k) => sum += weight * rows[(first + k) * width * 3 + i]);
      result[row * width * 3 + i] = sum + 0.5;
    }
  });
  return result;
}
