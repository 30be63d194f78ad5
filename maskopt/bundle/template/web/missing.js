// Says what to do where the page's own script, or LiteRT.js, which it needs, cannot be loaded.
addEventListener('error', ({target}) => {
  if (!(target instanceof HTMLScriptElement)) return;
  document.getElementById('answer').textContent =
      'LiteRT.js is missing: in the folder web, run npm install, then npm start, and open its address.';
}, {capture: true}); // such an event does not bubble
