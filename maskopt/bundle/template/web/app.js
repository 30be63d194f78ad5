// Runs the model of this bundle with LiteRT.js on a picture or the camera.
import {loadAndCompile, loadLiteRt, Tensor} from '@litertjs/core';
import {fit} from './fit.js';

const NO_CAMERA = {
  NotAllowedError: 'The camera was refused: allow it for this page in the browser, or choose a picture.',
  NotFoundError: 'No camera was found: connect one, or choose a picture.',
  NotReadableError: 'The camera gives no pictures: end other programs that use it, or choose a picture.',
};

let stream = null; // of the camera, while it is used

const find = (id) => document.getElementById(id);
addEventListener('error', ({error, message}) => fail(error?.message ?? message));
addEventListener('unhandledrejection', ({reason}) => fail(reason.message));

const description = await (await get('model.json')).json();
const {input, output, classes} = description;
find('name').textContent = `${description.network}, ${description.variant}`;
find('scores').append(...classes.map((name) => {
  const label = document.createElement('label');
  label.append(name, document.createElement('meter'));
  return label;
}));

await loadLiteRt(new URL('./node_modules/@litertjs/core/wasm/', import.meta.url).href);
const content = new Uint8Array(await (await get('model.tflite')).arrayBuffer());
const model = await loadAndCompile(content, {accelerator: 'wasm'});
say('Choose a picture.');

async function get(name) {
  const response = await fetch(new URL(`../${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name} is missing: serve the whole folder of the bundle, as npm start does.`);
  return response;
}

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
  const raw = Array.from(await result.data());
  const ms = performance.now() - started;
  [tensor, result].forEach((each) => each.delete());
  show(raw.map((value) => (value - output.zero_point) * output.scale), ms);
}

function show(scores, ms) {
  const best = scores.indexOf(Math.max(...scores));
  const enough = description.unsure_below;
  const sure = scores[best] >= enough;
  say(sure ? classes[best] : 'unsure'); // the likeliest class changes from picture to picture of a camera
  const told = sure ? percent(scores[best]) : `${classes[best]} ${percent(scores[best])}, under ${percent(enough)},`;
  find('sureness').textContent = `${told} in ${ms.toFixed(0)} ms`;
  [...find('scores').children].forEach(({firstChild, lastChild}, i) => {
    firstChild.data = `${classes[i]} ${percent(scores[i])} `;
    lastChild.value = scores[i];
  });
  find('shown').hidden = false;
}

// Screen readers read out what changes here: not each picture of a camera.
function say(text) {
  if (find('answer').textContent !== text) find('answer').textContent = text;
}

function fail(text) {
  stop();
  find('shown').hidden = true;
  say(text);
}

function percent(score) {
  return `${(100 * score).toFixed(1)}%`;
}

find('file').addEventListener('change', async ({target}) => {
  if (!target.files.length) return;
  stop();
  const [file] = target.files;
  // As in training: upright, without its colour profile.
  const asked = createImageBitmap(file, {imageOrientation: 'from-image', colorSpaceConversion: 'none'});
  const picture = await asked.catch(() => {
    throw new Error(`${file.name} is no picture that this browser can read.`);
  });
  if (picture.width * picture.height > input.max_pixels) {
    throw new Error(`${file.name} has more than ${input.max_pixels.toLocaleString('en')} pixels.`);
  }
  await classify(picture, picture.width, picture.height);
});

function stop() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  find('camera').textContent = 'Use the camera';
}

find('camera').addEventListener('click', async () => {
  if (stream) return stop();
  if (!navigator.mediaDevices) throw new Error('Browsers give the camera to https and to this machine’s pages alone.');
  const asked = navigator.mediaDevices.getUserMedia({video: {facingMode: 'user'}});
  const given = await asked.catch(({name, message}) => {
    throw new Error(NO_CAMERA[name] ?? message);
  });
  stop();
  stream = given;
  find('camera').textContent = 'Stop the camera';
  const video = find('video');
  video.srcObject = stream;
  await video.play();
  while (stream === given) {
    await classify(video, video.videoWidth, video.videoHeight);
    await new Promise(requestAnimationFrame);
  }
});
