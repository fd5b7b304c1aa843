// Walk in a latent plane: what a variational auto-encoder decodes from a point of the latent space.
"use strict";

live.part("latent", async (root, model) => {
  const SIZE = 8; // components of the latent space, and pixels of an image
  const LIMIT = 3; // the prior is standard normal
  const CELLS = model.cells;
  const find = (name) => root.querySelector(name);
  const plane = find(".live-plane");
  const image = find(".live-image");
  const axes = { across: find("[name=across]"), up: find("[name=up]") };
  const code = [-1.6, -1.6, 0, 0, 0, 0, 0, 0];

  for (const select of Object.values(axes)) {
    select.innerHTML = code.map((_, i) => `<option value="${i}">z${"₁₂₃₄₅₆₇₈"[i]}</option>`).join("");
  }
  axes.across.value = 0;
  axes.up.value = 1;
  const [across, up] = [() => Number(axes.across.value), () => Number(axes.up.value)];

  const sliders = code.map((value, i) => {
    const input = live.slider(find("[data-group=components]"), {
      id: `latent-${i + 1}`,
      label: `z<sub>${i + 1}</sub>`,
      min: -LIMIT, max: LIMIT, step: 0.05, value,
      text: (number) => number.toFixed(2).replace("-", "−"),
    });
    input.addEventListener("input", () => move({ [i]: input.valueAsNumber }));
    return input;
  });

  let grid = null; // decoded images of the plane, one after the other
  let digit = null; // and of the point

  function move(values) {
    for (const [i, value] of Object.entries(values)) {
      code[i] = Math.min(LIMIT, Math.max(-LIMIT, value));
      sliders[i].value = code[i];
      sliders[i].show();
    }
    draw();
    decode();
  }

  // The point, followed by the cells of the plane.
  const decode = live.latest(async () => {
    const z = new Float32Array(model.count * SIZE);
    for (let i = 0; i < model.count; i++) z.set(code, i * SIZE);
    for (let i = 0; i < CELLS ** 2; i++) {
      const [column, row] = [i % CELLS, Math.floor(i / CELLS)];
      z[(i + 1) * SIZE + across()] = LIMIT * ((2 * (column + 0.5)) / CELLS - 1);
      z[(i + 1) * SIZE + up()] = LIMIT * (1 - (2 * (row + 0.5)) / CELLS);
    }
    const x = await model.run({ z });
    digit = x.subarray(0, SIZE ** 2);
    grid = x.subarray(SIZE ** 2);
    draw();
    root.dataset.result = JSON.stringify({ z: Array.from(z.subarray(0, SIZE)), x: Array.from(digit) });
  });

  // Images (n, 8, 8) as a canvas with `columns` of them, `gap` pixels apart, in the colour of ink.
  function picture(values, columns, gap) {
    const step = SIZE + gap;
    const side = columns * step;
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d");
    context.fillStyle = live.colour(root, "ink");
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
    const pixels = context.createImageData(side, side);
    for (let i = 0; i < values.length; i++) {
      const [cell, pixel] = [Math.floor(i / SIZE ** 2), i % SIZE ** 2];
      const x = (cell % columns) * step + gap / 2 + (pixel % SIZE);
      const y = Math.floor(cell / columns) * step + gap / 2 + Math.floor(pixel / SIZE);
      pixels.data.set([red, green, blue, 255 * values[i]], 4 * (y * side + x));
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }

  function draw() {
    if (!grid) return;
    const enlarged = live.clear(image);
    enlarged.context.imageSmoothingEnabled = false;
    enlarged.context.drawImage(picture(digit, 1, 0), 0, 0, enlarged.width, enlarged.height);
    const { context, width } = live.clear(plane);
    context.globalAlpha = 0.6;
    context.drawImage(picture(grid, CELLS, 2), 0, 0, width, width);
    context.globalAlpha = 1;
    const at = (value) => (width * (value + LIMIT)) / (2 * LIMIT);
    context.strokeStyle = live.colour(root, "line");
    for (const radius of [1, 2]) {
      context.beginPath();
      context.arc(at(0), at(0), (radius * width) / (2 * LIMIT), 0, 2 * Math.PI);
      context.stroke();
    }
    const [x, y] = [at(code[across()]), width - at(code[up()])];
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    context.lineWidth = 5;
    context.strokeStyle = live.colour(root, "paper");
    context.stroke();
    context.lineWidth = 2.5;
    context.strokeStyle = live.colour(root, "drawn");
    context.stroke();
  }
  live.redraw(plane, draw);

  function drag(event) {
    if (!plane.hasPointerCapture(event.pointerId)) return;
    const { left, top, width } = plane.getBoundingClientRect();
    const value = (distance) => LIMIT * ((2 * distance) / width - 1);
    move({ [across()]: value(event.clientX - left), [up()]: -value(event.clientY - top) });
  }
  plane.addEventListener("pointerdown", (event) => {
    plane.setPointerCapture(event.pointerId);
    drag(event);
  });
  plane.addEventListener("pointermove", drag);
  plane.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.5 : 0.1;
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key] ?? [];
    if (x === undefined) return;
    event.preventDefault();
    if (x) move({ [across()]: code[across()] + step * x });
    else move({ [up()]: code[up()] + step * y });
  });

  const digits = find("[data-group=digits]");
  for (const [number, start] of model.codes.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = number;
    button.setAttribute("aria-label", `Go to a ${number}`);
    button.addEventListener("click", () => move(start));
    digits.append(button);
  }
  find("[data-action=centre]").addEventListener("click", () => move(Array(SIZE).fill(0)));
  find("[data-action=prior]").addEventListener("click", () =>
    move(Array.from(live.normal(SIZE, 2 ** 32 * Math.random()))),
  );
  for (const [name, select] of Object.entries(axes)) {
    const other = axes[name === "across" ? "up" : "across"];
    let before = select.value;
    select.addEventListener("change", () => {
      if (other.value === select.value) {
        other.value = before; // they change places
        other.dispatchEvent(new Event("exchange"));
      }
      before = select.value;
      decode();
    });
    select.addEventListener("exchange", () => (before = select.value));
  }
  await decode();
  find(".live-status").textContent = "";
});
