/* What happens along beta, a panel a curve, and the controls of the curves. */
"use strict";

(() => {
  const { curves, state, factor, plain, known, most, axis, base, config, dotted, told, drawCurve } = bottleneck;

  /* Packed arrays are little-endian 32-bit floats. */
  const unpack = (held) => {
    const bytes = Uint8Array.from(atob(held.data), (c) => c.charCodeAt(0));
    return { values: new Float32Array(bytes.buffer), shape: held.shape };
  };
  for (const curve of curves) {
    if (!curve.clusters) continue;
    for (const name of Object.keys(curve.clusters)) curve.clusters[name] = unpack(curve.clusters[name]);
  }

  /* A logarithmic axis has no zero: beta 0 stands a factor of two left of the first other beta, and is labelled. */
  const place = (curve) => {
    const positive = curve.beta.filter((beta) => beta > 0);
    const zero = (positive.length ? Math.min(...positive) : 1) / 2;
    return (beta) => Math.max(beta, zero);
  };
  const betaAxis = (curve) => {
    const at = place(curve);
    const [low, high] = [at(curve.beta[0]), at(curve.beta[curve.beta.length - 1])];
    const ticks = [];
    const steps = high / low > 40 ? [1, 2, 5] : high / low > 3 ? [1, 2, 3, 5] : [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
      for (const step of high / low > 2000 ? [1] : steps) ticks.push(step * 10 ** power);
    const inside = ticks.filter((tick) => tick > 0.98 * low && tick < 1.02 * high && !(curve.beta[0] <= 0 && tick < 1.5 * low));
    const zero = curve.beta[0] <= 0 ? [low] : [];
    const room = Math.max((high / low) ** 0.03, 1.02);
    return { ...axis("beta (log)", [Math.log10(low / room), Math.log10(high * room)]), type: "log", tickvals: [...zero, ...inside],
      ticktext: [...zero.map(() => "0"), ...inside.map((tick) => String(Number(tick.toPrecision(3))))] };
  };
  const dashes = { onset: "solid", "first local critical beta": "dash" };
  const critical = (curve) => curve.critical.map(({ what, beta }) => ({ type: "line", layer: "below", x0: beta, x1: beta,
    y0: 0, y1: 1, yref: "paper", line: { color: "#8a919c", width: 1.2, dash: dashes[what] ?? "dot" } }));
  const criticalNames = (curve) => curve.critical.filter(({ what }) => what in dashes).map(({ what, beta }) =>
    `${what} ${beta.toPrecision(5)}`).join(", ");
  const note = (text) => (text ? [{ text, showarrow: false, font: { size: 11, color: "#4a515c" }, xref: "paper", yref: "paper",
    x: 0, y: 1, xanchor: "left", yanchor: "bottom" }] : []);

  /* Marks of one panel of clusters at given heights, over the lines that join them. */
  const clusters = (plot, curve, heights, title, hover) => {
    const { beta, weight, links } = curve.clusters;
    const at = place(curve);
    const x = Array.from(beta.values, at);
    const [joinX, joinY] = [[], []];
    for (let k = 0; k < links.shape[0]; k += 1) {
      const [high, low] = [links.values[2 * k], links.values[2 * k + 1]];
      joinX.push(x[low], x[high], null);
      joinY.push(heights[low], heights[high], null);
    }
    const top = most(heights) > 0.55 ? 1 : 1.05 * most(heights);
    const faint = curve.colour.replace("rgb(", "rgba(").replace(")", ", 0.35)");
    const traces = [
      { mode: "lines", hoverinfo: "skip", x: joinX, y: joinY, line: { color: faint, width: 1 }, meta: { kind: "link" } },
      { mode: "markers", hoverinfo: "text", x, y: heights, text: x.map((_, k) => hover(k)), meta: { kind: "cluster" },
        marker: { color: curve.colour, size: Array.from(weight.values, (w) => Math.max(10 * Math.sqrt(w), 1.8)), line: { width: 0 }, opacity: 1 } },
    ];
    const layout = { ...base(), shapes: critical(curve), annotations: note(criticalNames(curve)), xaxis: betaAxis(curve),
      yaxis: axis(title, [-0.03 * top, 1.04 * top]) };
    layout.margin.t = 26;
    Plotly.react(plot, traces, layout, config);
  };

  const law = (plot, curve) => {
    const { beta, weight, law: laws } = curve.clusters;
    const row = Math.max(curve.labels.indexOf(state.label), 0);
    const count = weight.values.length;
    const heights = Array.from(laws.values.subarray(row * count, (row + 1) * count));
    const name = plain(curve.labels[row]);
    const own = curve.method.startsWith("DualIB") ? ", geometric laws" : "";
    clusters(plot, curve, heights, `p(y = ${name} | t)${own}`, (k) =>
      `<b>${plain(curve.title)}</b>, beta = ${beta.values[k].toPrecision(5)}<br>p(y = ${name} | t) = ${heights[k].toFixed(4)}<br>p(t) = ${weight.values[k].toFixed(4)}`);
  };
  const weights = (plot, curve) => {
    const { beta, weight } = curve.clusters;
    clusters(plot, curve, Array.from(weight.values), "p(t)", (k) =>
      `<b>${plain(curve.title)}</b>, beta = ${beta.values[k].toPrecision(5)}<br>p(t) = ${weight.values[k].toFixed(4)}`);
  };

  /* A whole step between at most six ticks. */
  const step = (top) => {
    const power = 10 ** Math.max(Math.floor(Math.log10(top / 6)), 0);
    return Math.max([1, 2, 5, 10].map((k) => k * power).find((k) => k * 6 >= top) ?? 10 * power, 1);
  };

  const along = (plot, curve) => {
    const x = curve.beta.map(place(curve));
    const scaled = (side) => side.map((v) => (known(v) ? v * factor() : null));
    const text = x.map((_, k) => told(curve, k));
    const line = (name, side, colour, dash) => ({ mode: "lines+markers", x, y: scaled(side), name, text, hoverinfo: "text", showlegend: true,
      line: { color: colour, width: 2, dash }, marker: { size: 4, color: colour }, meta: { kind: name } });
    const traces = [line("I(X;T)", curve.mi_input, "#31458f"), line("I(T;Y)", curve.mi_target, "#1f8a70")];
    if (curve.mi_target_geometric.some(known)) traces.push(line("of geometric laws", curve.mi_target_geometric, "#1f8a70", "dash"));
    const steps = curve.beta.map((_, k) => k).filter((k) => !curve.interpolated[k]);
    if (curve.count) traces.unshift({ mode: "lines", x: steps.map((k) => x[k]), y: steps.map((k) => curve.count.values[k]), yaxis: "y2", showlegend: true,
      name: `${plain(curve.count.name)} (right)`, hoverinfo: "skip", line: { color: "#a3a9b3", width: 1.4, shape: "hvh" }, meta: { kind: "count" } });
    const reach = most(curve.mi_input);
    const levels = [curve.ceilings.target, known(curve.ceilings.input) && curve.ceilings.input < 1.6 * reach ? curve.ceilings.input : null].filter(known);
    const top = (1.06 * Math.max(reach, ...levels) || 1) * factor();
    const layout = { ...base(), xaxis: betaAxis(curve), yaxis: axis(`information, ${state.unit}`, [-0.02 * top, top]),
      shapes: [...critical(curve), ...levels.map((v) => ({ ...dotted, y0: v * factor(), y1: v * factor(), x0: 0, x1: 1, xref: "paper" }))],
      showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", font: { size: 11.5 } }, uirevision: state.unit };
    const highest = curve.count ? Math.max(most(steps.map((k) => curve.count.values[k])), 1) : 0;
    if (curve.count) layout.yaxis2 = { ...axis(plain(curve.count.name), [0, 1.06 * highest]), overlaying: "y", side: "right",
      showgrid: false, dtick: step(highest), color: "#767d89" };
    layout.margin = { ...layout.margin, t: 58, r: 50 };
    Plotly.react(plot, traces, layout, config);
  };

  const least = 1e-17;
  const gap = (plot, curve) => {
    const x = curve.beta.map(place(curve));
    const there = x.map((_, k) => k).filter((k) => known(curve.gap[k]));
    const symbol = there.map((k) => (curve.gap[k] <= least ? "triangle-down-open" : "circle"));
    const traces = [{ mode: "markers", x: there.map((k) => x[k]), y: there.map((k) => Math.max(curve.gap[k], least)), hoverinfo: "text",
      text: there.map((k) => told(curve, k)), marker: { color: curve.colour, size: 6, symbol }, meta: { kind: "gap" } }];
    const shapes = [{ ...dotted, y0: 1e-7, y1: 1e-7, x0: 0, x1: 1, xref: "paper", line: { color: "#4a515c", width: 1.2, dash: "dash" } }];
    const lost = x.length - there.length;
    const top = Math.max(most(curve.gap), 1e-7);
    const layout = { ...base(), shapes, xaxis: betaAxis(curve), annotations: note(lost ? `no gap is known at ${lost} of ${x.length} betas` : "dashed: tolerance 1e-7; triangles: 0"),
      yaxis: { ...axis("gap, nats", [Math.log10(least) - 0.5, Math.log10(top) + 1]), type: "log", dtick: 3, exponentformat: "power" } };
    layout.margin.t = 26;
    Plotly.react(plot, traces, layout, config);
  };

  const drawers = { law, weight: weights, along, gap };
  const plots = [...document.querySelectorAll(".plot.ib")];
  const draw = (kinds) => plots.forEach((plot) => {
    const { kind, run } = plot.dataset;
    if (!kinds.includes(kind)) return;
    if (kind === "curve") drawCurve(plot);
    else if (!state.hidden.has(Number(run))) drawers[kind](plot, curves[run]);
  });

  const every = (selector, react) => document.querySelectorAll(selector).forEach((box) => box.addEventListener("change", () => react(box)));
  every("input[name=curve-unit]", (box) => { state.unit = box.value; draw(["curve", "along", "law", "weight", "gap"]); });
  every("#curve-label", (box) => { state.label = box.value; draw(["law"]); });
  every("input[name=curve]", (box) => {
    state.hidden[box.checked ? "delete" : "add"](Number(box.value));
    for (const figure of document.querySelectorAll(`#bottleneck figure[data-run="${box.value}"]`)) figure.hidden = !box.checked;
    draw(["curve", "along", "law", "weight", "gap"]);
  });

  /* A browser may bring back the controls of an earlier visit; the page starts from its own. */
  for (const box of document.querySelectorAll("#bottleneck .controls input")) box.checked = box.defaultChecked;
  for (const box of document.querySelectorAll("#bottleneck .controls select")) box.selectedIndex = 0;
  draw(["curve"]);
  setTimeout(() => { draw(["along", "law", "weight", "gap"]); document.body.dataset.curves = "ready"; }, 0);
})();
