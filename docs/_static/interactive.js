// Models of mizoo in a browser. onnxruntime computes in a worker, so that the page stays responsive.
//
// Files are scripts that docs/interactive.py writes: a page that is opened from disk can load nothing else.
"use strict";

const mizooFiles = {};

const live = (() => {
  const folder = new URL("interactive/", document.currentScript.src);

  // The content of a script `interactive/name.js`.
  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(`${name}.js`, folder);
      script.onload = () => resolve(mizooFiles[name]);
      script.onerror = () => reject(new Error("This documentation was built without the models of this page."));
      document.head.append(script);
    });
  }

  // The code of the worker, which is text: it has no variables of this page.
  function serve() {
    const sessions = {};

    async function bytes(text) {
      const binary = atob(text);
      const zipped = new Uint8Array(binary.length);
      for (let i = 0; i < binary.length; i++) zipped[i] = binary.charCodeAt(i);
      return new Response(new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    }

    const actions = {
      async start({ wasm }) {
        const module = new Blob([await bytes(wasm)], { type: "application/wasm" });
        ort.env.wasm.numThreads = 1;
        ort.env.wasm.wasmPaths = { "ort-wasm-simd.wasm": URL.createObjectURL(module) };
        ort.env.logLevel = "error";
      },
      async open({ name, model }) {
        // It was optimised when the page was built, which takes seconds for the thousands of operations of a flow.
        const options = { graphOptimizationLevel: "disabled", executionProviders: ["wasm"] };
        sessions[name] = await ort.InferenceSession.create(new Uint8Array(await bytes(model)), options);
      },
      async run({ name, count, feeds }) {
        const tensors = {};
        for (const [key, values] of Object.entries(feeds)) {
          tensors[key] = new ort.Tensor("float32", values, [count, values.length / count]);
        }
        return (await sessions[name].run(tensors)).x_tilde.data;
      },
    };
    let last = Promise.resolve(); // one after the other
    self.onmessage = ({ data }) => {
      last = last
        .then(() => actions[data.action](data))
        .then((result) => self.postMessage({ id: data.id, result }))
        .catch((error) => self.postMessage({ id: data.id, error: String(error.message ?? error) }));
    };
  }

  const waiting = new Map();
  let worker;
  let asked = 0;

  function ask(action, content) {
    return new Promise((resolve, reject) => {
      const id = ++asked;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, action, ...content });
    });
  }

  async function start() {
    const { script, wasm } = await load("runtime");
    const code = new Blob([script, `\n;(${serve})();`], { type: "text/javascript" });
    worker = new Worker(URL.createObjectURL(code));
    const fail = (message) => {
      for (const { reject } of waiting.values()) reject(new Error(message));
      waiting.clear();
    };
    worker.onerror = (event) => fail(event.message || "This browser does not start workers of pages from disk.");
    worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    await ask("start", { wasm });
  }

  let started;

  // Opens the model of a file. Returns its content and `run(feeds)`, which resolves to x_tilde.
  async function open(name) {
    started ??= start();
    const [content] = await Promise.all([load(name), started]);
    await ask("open", { name, model: content.model });
    return { ...content, run: (feeds) => ask("run", { name, count: content.count, feeds }) };
  }

  // A function that makes its calls one after the other; of those that come meanwhile only the last.
  function latest(task) {
    let busy = false;
    let next = null;
    return async function call(...values) {
      if (busy) {
        next = values;
        return;
      }
      busy = true;
      try {
        await task(...values);
      } finally {
        busy = false;
        if (next) {
          const values = next;
          next = null;
          call(...values);
        }
      }
    };
  }

  // A labelled slider, appended to a parent. Returns the input, whose `show` writes its value beside it.
  function slider(parent, { id, label, min, max, step, value, text }) {
    const row = document.createElement("div");
    row.className = "live-slider";
    row.innerHTML = `<label for="${id}">${label}</label><output for="${id}"></output>
      <input type="range" id="${id}" min="${min}" max="${max}" step="${step}" value="${value}">`;
    parent.append(row);
    const input = row.querySelector("input");
    const output = row.querySelector("output");
    input.show = () => {
      output.textContent = text(input.valueAsNumber);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", input.show);
    input.show();
    return input;
  }

  // A canvas in CSS pixels at the resolution of the screen. Returns its cleared context and its size.
  function clear(canvas) {
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    return { context, width, height };
  }

  const colour = (element, name) => getComputedStyle(element).getPropertyValue(`--live-${name}`).trim();

  // Calls `draw` whenever the size of the canvas or the colours of the page change.
  function redraw(canvas, draw) {
    new ResizeObserver(draw).observe(canvas);
    new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  // Independent standard normal numbers that follow from a seed (mulberry32, and Box and Muller's transform).
  function normal(count, seed) {
    let state = seed >>> 0;
    const uniform = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      numbers[i] = radius * Math.cos(angle);
      if (i + 1 < count) numbers[i + 1] = radius * Math.sin(angle);
    }
    return numbers;
  }

  // Runs a part of the page, whose root says whether it is `loading`, `ready` or `failed`.
  async function part(id, make) {
    const root = document.getElementById(id);
    try {
      await make(root, await open(id));
      root.dataset.state = "ready";
      root.dataset.seconds = (performance.now() / 1000).toFixed(3);
    } catch (error) {
      root.dataset.state = "failed";
      root.querySelector(".live-status").textContent = error.message;
    }
  }

  return { latest, slider, clear, colour, redraw, normal, part };
})();
