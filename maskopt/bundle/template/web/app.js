// Runs the model of this bundle with LiteRT.js on a picture or the camera.
import {loadAndCompile, loadLiteRt, Tensor} from '@litertjs/core';
import {fit} from './fit.js';

const find = (id) => document.getElementById(id);
addEventListener('unhandledrejection', ({reason}) => find('answer').textContent = reason.message);

const description = await (await fetch('../model.json')).json();
const {input, output, classes} = description;
find('name').textContent = `${description.network}, ${description.variant}`;

await loadLiteRt(new URL('./node_modules/@litertjs/core/wasm/', import.meta.url).href);
const model = await loadAndCompile(new URL('../model.tflite', import.meta.url).href, {accelerator: 'wasm'});
find('answer').textContent = 'Choose a picture.';

async function classify(source, width, height) {
  const canvas = find('view');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.fillStyle = `rgb(${input.background})`;
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  const pixels = fit(context.getImageData(0, 0, width, height), input);
  const values = input.dtype === 'uint8' ? pixels : Float32Array.from(pixels);
  const tensor = new Tensor(values, [1, input.height_px, input.width_px, 3]);
  const started = performance.now();
  const [result] = await model.run(tensor);
  const raw = Array.from((await result.moveTo('wasm')).toTypedArray());
  const ms = performance.now() - started;
  tensor.delete();
  show(raw.map((value) => (value - output.zero_point) * output.scale), ms);
}

function show(scores, ms) {
  const best = scores.indexOf(Math.max(...scores));
  const text = scores[best] >= description.unsure_below ? classes[best] : 'unsure';
  find('answer').textContent = `${text} (${(100 * scores[best]).toFixed(1)}%, ${ms.toFixed(0)} ms)`;
  find('answer').dataset.scores = JSON.stringify(scores);
  find('scores').replaceChildren(...classes.map((name, i) => {
    const label = document.createElement('label');
    const meter = document.createElement('meter');
    meter.value = scores[i];
    label.append(`${name} ${(100 * scores[i]).toFixed(1)}% `, meter);
    return label;
  }));
}

find('file').addEventListener('change', async ({target}) => {
  if (!target.files.length) return;
  const picture = await createImageBitmap(target.files[0], {imageOrientation: 'from-image'});
  await classify(picture, picture.width, picture.height);
});

find('camera').addEventListener('click', async () => {
  const video = find('video');
  video.srcObject = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'user'}});
  await video.play();
  const next = async () => {
    await classify(video, video.videoWidth, video.videoHeight);
    requestAnimationFrame(next);
  };
  next();
});
