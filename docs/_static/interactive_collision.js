// Simulate a collision: the distribution of detector events that a conditional flow draws for one parton event.
"use strict";

// Partons of a top pair from a few numbers. Momenta are [px, py, pz, E] in GeV.
const kinematics = (() => {
  const add = (...momenta) => momenta.reduce((sum, p) => sum.map((value, i) => value + p[i]));
  const norm = ([x, y, z]) => Math.hypot(x, y, z);
  const mass = (p) => Math.sqrt(Math.max(p[3] ** 2 - norm(p) ** 2, 0));
  const pt = ([x, y]) => Math.hypot(x, y);
  const eta = ([x, y, z]) => Math.asinh(z / Math.hypot(x, y));
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const unit = (a) => a.map((value) => value / norm(a));

  const moving = (m, transverse, azimuth, rapidity) => {
    const energy = Math.hypot(m, transverse); // its transverse mass
    return [
      transverse * Math.cos(azimuth),
      transverse * Math.sin(azimuth),
      energy * Math.sinh(rapidity),
      energy * Math.cosh(rapidity),
    ];
  };

  // Both daughters. The first flies at this angle to the parent's direction, in the parent's rest frame.
  function decay(parent, first, second, cosine, azimuth) {
    const [m, p] = [mass(parent), norm(parent)];
    const k = Math.sqrt((m ** 2 - (first + second) ** 2) * (m ** 2 - (first - second) ** 2)) / (2 * m);
    const along = p > 1e-6 ? unit(parent.slice(0, 3)) : [0, 0, 1];
    const aside = unit(cross(along, Math.abs(along[2]) < 0.99 ? [0, 0, 1] : [1, 0, 0]));
    const above = cross(along, aside);
    const sine = Math.sqrt(1 - cosine ** 2);
    const [side, up] = [k * sine * Math.cos(azimuth), k * sine * Math.sin(azimuth)];
    const forward = (parent[3] * k * cosine + p * Math.hypot(k, first)) / m;
    const one = along.map((value, i) => forward * value + side * aside[i] + up * above[i]);
    one.push(Math.hypot(first, ...one));
    return [one, parent.map((value, i) => value - one[i])];
  }

  // Momenta by name, of the partons and of what they come from.
  function topPair(event, masses) {
    const top = moving(masses.t_had, event.pt, event.phi, event.y_had);
    const antitop = moving(masses.t_lep, event.pt, event.phi + Math.PI, event.y_lep);
    const [b, w] = decay(top, masses.b, masses.w_had, event.cos_b, event.phi_b);
    const [dbar, u] = decay(w, masses.dbar, masses.u, event.cos_dbar, event.phi_dbar);
    const [bbar, wLep] = decay(antitop, masses.bbar, masses.w_lep, event.cos_bbar, event.phi_bbar);
    const [electron, nubar] = decay(wLep, masses["e-"], masses.nubar, event.cos_e, event.phi_e);
    return { "e-": electron, nubar, b, bbar, u, dbar };
  }

  // Masses of a detector event [e-, met, four jets], as mizoo.physics.reconstruct finds them.
  function reconstruct(objects, { neutrino: w, peaks }) {
    const [lepton, met, ...jets] = objects;
    const [px, py] = met;
    const k = (w ** 2 - mass(lepton) ** 2) / 2 + lepton[0] * px + lepton[1] * py;
    const a = lepton[3] ** 2 - lepton[2] ** 2;
    const halfB = -k * lepton[2];
    const c = lepton[3] ** 2 * (px ** 2 + py ** 2) - k ** 2;
    const discriminant = halfB ** 2 - a * c;
    const larger = -halfB + (halfB < 0 ? 1 : -1) * Math.sqrt(Math.max(discriminant, 0));
    const pz = discriminant > 0 ? c / larger : -halfB / a;
    const leptonic = add(lepton, [px, py, pz, Math.hypot(px, py, pz)]);
    let best = { squares: Infinity };
    for (let b = 0; b < 4; b++) {
      for (let other = 0; other < 4; other++) {
        if (other === b) continue;
        const dijet = add(...jets.filter((_, i) => i !== b && i !== other));
        const found = {
          w_had: mass(dijet),
          t_had: mass(add(dijet, jets[b])),
          t_lep: mass(add(leptonic, jets[other])),
        };
        found.squares = Object.entries(peaks).reduce(
          (sum, [name, [peak, resolution]]) => sum + ((found[name] - peak) / resolution) ** 2,
          0,
        );
        if (found.squares < best.squares) best = found;
      }
    }
    return { m_w_had: best.w_had, m_t_had: best.t_had, m_tt: mass(add(leptonic, ...jets)) };
  }

  return { add, mass, pt, eta, topPair, reconstruct };
})();

live.part("collision", async (root, model) => {
  const COUNT = model.count;
  const NOISE = 18;
  const QUARKS = ["b", "bbar", "u", "dbar"];
  const SYMBOLS = { "e-": "e⁻", nubar: "ν̄", b: "b", bbar: "b̄", u: "u", dbar: "d̄" };
  const TITLES = {
    pt_e: "Electron, pT",
    pt_met: "Missing pT",
    pt_jet1: "Leading jet, pT",
    m_w_had: "W boson, mass of two jets",
    m_t_had: "Top quark, mass of three jets",
    m_tt: "Top pair, mass",
  };
  const energy = (value) => `${value.toFixed(0)} GeV`;
  const signed = (value) => value.toFixed(2).replace("-", "−");
  const find = (name) => root.querySelector(name);

  // Azimuths are turned by the button of another collision alone.
  const first = {
    pt: 120, y_had: 0.4, y_lep: -0.5, cos_b: 0.1, cos_dbar: 0.2, cos_bbar: -0.1, cos_e: 0.3,
    phi: 0.5, phi_b: 2.1, phi_dbar: 0.6, phi_bbar: 1.1, phi_e: 5.0,
  };
  const event = { ...first };
  const cosine = { min: -1, max: 1, step: 0.02, text: signed };
  const rapidity = { min: -2.5, max: 2.5, step: 0.05, text: signed };
  const groups = {
    pair: [
      ["pt", "p<sub>T</sub> of each top quark", { min: 0, max: 400, step: 5, text: energy }],
      ["y_had", "Rapidity of t → b u d̄", rapidity],
      ["y_lep", "Rapidity of t̄ → b̄ e⁻ ν̄", rapidity],
    ],
    hadronic: [
      ["cos_b", "cos θ of b in the rest frame of t", cosine],
      ["cos_dbar", "cos θ of d̄ in that of W⁺", cosine],
    ],
    leptonic: [
      ["cos_bbar", "cos θ of b̄ in the rest frame of t̄", cosine],
      ["cos_e", "cos θ of e⁻ in that of W⁻", cosine],
    ],
  };
  const inputs = {};
  for (const [group, sliders] of Object.entries(groups)) {
    for (const [name, label, options] of sliders) {
      const input = live.slider(find(`[data-group=${group}]`), {
        id: `collision-${name}`, label, value: event[name], ...options,
      });
      input.addEventListener("input", () => {
        event[name] = input.valueAsNumber;
        simulate();
      });
      inputs[name] = input;
    }
  }

  let seed = 1;
  let noise = live.normal(COUNT * NOISE, seed);
  let drawn = null;

  function set(values) {
    Object.assign(event, values);
    for (const [name, input] of Object.entries(inputs)) {
      input.value = event[name];
      input.show();
    }
    simulate();
  }

  const partonsOf = (one) => kinematics.topPair(one, model.mass);

  // Partons that few training events have, as text.
  function unusual(partons) {
    const { least_pt: least, most_pt: most, most_eta: far } = model.usual;
    return model.partons.flatMap((name, i) => {
      const [pt, eta] = [kinematics.pt(partons[name]), Math.abs(kinematics.eta(partons[name]))];
      if (pt < least[i] || pt > most[i]) return [`${SYMBOLS[name]} has pT ${pt.toFixed(0)} GeV`];
      return eta > far[i] ? [`${SYMBOLS[name]} has |η| ${eta.toFixed(1)}`] : [];
    });
  }

  function another() {
    const turn = () => 2 * Math.PI * Math.random();
    const even = () => 2 * Math.random() - 1;
    let one;
    do {
      const [y, apart, hard] = live.normal(3, 2 ** 32 * Math.random());
      one = {
        pt: Math.min(400, 100 * Math.exp(0.6 * hard)), y_had: 0.9 * y + 0.6 * apart, y_lep: 0.9 * y - 0.6 * apart,
        cos_b: even(), cos_dbar: even(), cos_bbar: even(), cos_e: even(),
        phi: turn(), phi_b: turn(), phi_dbar: turn(), phi_bbar: turn(), phi_e: turn(),
      };
    } while (Math.max(Math.abs(one.y_had), Math.abs(one.y_lep)) > 2.5 || !inAcceptance(partonsOf(one)));
    set(one);
  }

  function inAcceptance(partons) {
    const jets = QUARKS.every((name) => kinematics.pt(partons[name]) > 25);
    return jets && kinematics.pt(partons["e-"]) > 15 && unusual(partons).length === 0;
  }

  const panels = Object.entries(model.histograms).map(([name, reference]) => panel(name, reference));

  const simulate = live.latest(async () => {
    const began = performance.now();
    const partons = partonsOf(event);
    const z = Float32Array.from(model.partons.flatMap((name) => partons[name]));
    const repeated = new Float32Array(COUNT * z.length);
    for (let i = 0; i < COUNT; i++) repeated.set(z, i * z.length);
    const x = await model.run({ z: repeated, x_noise: noise });
    const events = Array.from({ length: COUNT }, (_, i) =>
      Array.from({ length: 6 }, (_, j) => Array.from(x.subarray(24 * i + 4 * j, 24 * i + 4 * j + 4))),
    );
    const found = events.map((objects) => ({
      pt_e: kinematics.pt(objects[0]),
      pt_met: kinematics.pt(objects[1]),
      pt_jet1: Math.max(...objects.slice(2).map(kinematics.pt)),
      ...kinematics.reconstruct(objects, model),
    }));
    const all = Object.values(partons);
    const truth = {
      pt_e: kinematics.pt(partons["e-"]),
      pt_met: kinematics.pt(partons.nubar),
      pt_jet1: Math.max(...QUARKS.map((name) => kinematics.pt(partons[name]))),
      m_w_had: model.mass.w_had,
      m_t_had: model.mass.t_had,
      m_tt: kinematics.mass(kinematics.add(...all)),
    };
    drawn = { partons, events };
    display();
    for (const one of panels) one.show(found.map((values) => values[one.name]), truth[one.name]);
    const odd = unusual(partons);
    find(".live-hint").textContent = odd.length ? `Few training events are like this: ${odd.join(", ")}.` : "";
    const seconds = (performance.now() - began) / 1000;
    find(".live-status").textContent = `${COUNT} events drawn in ${seconds.toFixed(2)} s.`;
    root.dataset.result = JSON.stringify({
      z: Array.from(z),
      noise: Array.from(noise.subarray(0, 20 * NOISE)),
      x: Array.from(x.subarray(0, 20 * 24)),
      observables: found.slice(0, 20),
      seconds,
    });
  });

  // One histogram. Bars are drawn to the same height, as the distribution of one collision is much narrower.
  function panel(name, { range: [low, high], counts }) {
    const [width, height, top] = [240, 84, 6];
    const figure = document.createElement("figure");
    figure.className = "live-panel";
    const at = (value) => (width * (value - low)) / (high - low);
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
      const anchor = { 0: "start", 1: "end" }[part] ?? "middle";
      const value = low + part * (high - low);
      return `<text x="${part * width}" y="${height + 14}" text-anchor="${anchor}">${value}</text>`;
    });
    figure.innerHTML = `<figcaption>${TITLES[name].replace("pT", "p<sub>T</sub>")}</figcaption>
      <svg viewBox="0 0 ${width} ${height + 18}" role="img">
        <path class="live-all"/><path class="live-drawn"/><line class="live-truth" y1="0" y2="${height}"/>
        <line class="live-axis" x1="0" x2="${width}" y1="${height}" y2="${height}"/>${ticks.join("")}
      </svg><p></p>`;
    find(".live-panels").append(figure);
    const steps = (bins) => {
      const [most, wide] = [Math.max(...bins, 1), width / bins.length];
      const path = bins.map((n, i) => {
        const y = (height - ((height - top) * n) / most).toFixed(1);
        return `V${y}H${((i + 1) * wide).toFixed(1)}`;
      });
      return `M0,${height}${path.join("")}V${height}Z`;
    };
    figure.querySelector(".live-all").setAttribute("d", steps(counts));
    const line = figure.querySelector(".live-truth");

    function show(values, truth) {
      const bins = counts.map(() => 0);
      for (const value of values) {
        const bin = Math.floor((bins.length * (value - low)) / (high - low));
        if (bin >= 0 && bin < bins.length) bins[bin]++;
      }
      figure.querySelector(".live-drawn").setAttribute("d", steps(bins));
      line.setAttribute("x1", at(truth));
      line.setAttribute("x2", at(truth));
      line.style.visibility = truth >= low && truth <= high ? "visible" : "hidden";
      const sorted = Float64Array.from(values).sort();
      const [lower, median, upper] = [0.16, 0.5, 0.84].map((part) => sorted[Math.floor(part * COUNT)].toFixed(0));
      const lines = [`median ${median} GeV (68 %: ${lower} – ${upper})`, `partons ${truth.toFixed(0)} GeV`];
      figure.querySelector("p").innerHTML = lines.join("<br>");
      figure.querySelector("svg").setAttribute("aria-label", `${TITLES[name]}: ${lines.join(", ")}`);
    }
    return { name, show };
  }

  // The transverse plane: partons as arrows, the objects of all drawn events as dots.
  const canvas = find("canvas");
  function display() {
    if (!drawn) return;
    const { context, width } = live.clear(canvas);
    const { partons, events } = drawn;
    const hardest = Math.max(...Object.values(partons).map(kinematics.pt));
    const most = [60, 120, 180, 240, 360, 480].find((limit) => limit > 1.15 * hardest) ?? 720;
    const scale = width / 2 / most;
    const place = ([px, py]) => [width / 2 + scale * px, width / 2 - scale * py];
    const ink = live.colour(root, "ink");

    context.strokeStyle = live.colour(root, "line");
    context.fillStyle = live.colour(root, "quiet");
    context.font = "12px sans-serif";
    for (const part of [1 / 3, 2 / 3, 1]) {
      context.beginPath();
      context.arc(width / 2, width / 2, (part * width) / 2 - 1, 0, 2 * Math.PI);
      context.stroke();
    }
    context.textAlign = "right";
    context.fillText(`${most} GeV`, width - 2, 12);

    for (let j = 0; j < 6; j++) {
      context.fillStyle = live.colour(root, ["electron", "met"][j] ?? "drawn");
      context.globalAlpha = 0.35;
      for (const objects of events) {
        const [x, y] = place(objects[j]);
        context.fillRect(x - 0.9, y - 0.9, 1.8, 1.8);
      }
    }
    context.globalAlpha = 1;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = "600 15px sans-serif";
    context.lineWidth = 1.6;
    for (const [name, momentum] of Object.entries(partons)) {
      const [x, y] = place(momentum);
      const angle = Math.atan2(y - width / 2, x - width / 2);
      context.strokeStyle = context.fillStyle = ink;
      context.beginPath();
      context.moveTo(width / 2, width / 2);
      context.lineTo(x, y);
      for (const turn of [-0.4, 0.4]) {
        context.moveTo(x, y);
        context.lineTo(x - 8 * Math.cos(angle + turn), y - 8 * Math.sin(angle + turn));
      }
      context.stroke();
      context.lineWidth = 4;
      context.strokeStyle = live.colour(root, "paper");
      const label = [x + 15 * Math.cos(angle), y + 15 * Math.sin(angle)];
      context.strokeText(SYMBOLS[name], ...label);
      context.fillText(SYMBOLS[name], ...label);
      context.lineWidth = 1.6;
    }
  }
  live.redraw(canvas, display);

  find("[data-action=another]").addEventListener("click", another);
  find("[data-action=reset]").addEventListener("click", () => set(first));
  find("[data-action=noise]").addEventListener("click", () => {
    noise = live.normal(COUNT * NOISE, ++seed);
    simulate();
  });
  await simulate();
});
