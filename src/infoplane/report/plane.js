/* The information plane: one panel a run, drawn again from packed arrays whenever a control moves. */
"use strict";

const report = (() => {
  const page = JSON.parse(document.getElementById("data").textContent);

  /* Packed arrays are little-endian 32-bit floats; anything else (a number, null) stays as it is. */
  const unpack = (held) => {
    if (held === null || typeof held !== "object" || typeof held.data !== "string") return held;
    const bytes = Uint8Array.from(atob(held.data), (c) => c.charCodeAt(0));
    return { values: new Float32Array(bytes.buffer), shape: held.shape };
  };
  const unpackAll = (tree) => {
    if (tree === null || typeof tree !== "object" || Array.isArray(tree)) return tree;
    if (typeof tree.data === "string" && tree.shape) return unpack(tree);
    return Object.fromEntries(Object.entries(tree).map(([name, part]) => [name, unpackAll(part)]));
  };
  const runs = page.runs.map(unpackAll);
  const layers = page.layers;
  const epochs = [...new Set(runs.flatMap((run) => run.epochs))].sort((a, b) => a - b);

  const state = {
    at: epochs.length - 1, unit: "bits", points: "both", network: "", path: true, band: true, bounds: true,
    hidden: new Set(),
  };
  const factor = () => (state.unit === "bits" ? 1 / Math.LN2 : 1);

  /* Text from the data goes into labels as text: Plotly reads a little HTML in them. */
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  /* Value at (seed, epoch, layer) of a packed array, of one number that stands for all, or of nothing. */
  const cell = (array, s, e, l) => {
    if (array === null) return NaN;
    if (typeof array === "number") return array;
    const [, ne, nl] = array.shape;
    return array.values[(s * ne + e) * nl + l];
  };

  /* Position of a run's checkpoint nearest to an epoch, as the logarithmic axis sees it. */
  const nearest = (run, epoch) => {
    let best = 0;
    const away = (e) => Math.abs(Math.log1p(e) - Math.log1p(epoch));
    run.epochs.forEach((e, i) => { if (away(e) < away(run.epochs[best])) best = i; });
    return best;
  };

  const shown = (value) => (Number.isFinite(value) ? (value * factor()).toFixed(3).replace("-", "−") : "–");

  /* One value in words: how far it can be off, in the same unit. */
  const told = (side, s, e, l) => {
    const [value, error, low, high] = [side.value, side.stderr, side.lower, side.upper].map((a) => cell(a, s, e, l));
    const spread = error > 0 ? ` ± ${shown(error)} (standard error)` : "";
    let doubt = spread;
    if (Number.isFinite(low) && Number.isFinite(high)) doubt = `, within [${shown(low)}, ${shown(high)}]${spread}`;
    else if (Number.isFinite(low)) doubt = ` or more${spread}`;
    else if (Number.isFinite(high)) doubt = ` or less${spread}`;
    else if (error === 0) doubt = " (exact)";
    else if (!(error > 0)) doubt = " (no error known)";
    return `${plain(side.quantity)} = ${shown(value)} ${state.unit}${doubt}`;
  };

  const toldMean = (side, e, l, count) => {
    const [mean, low, high] = [0, 1, 2].map((k) => cell(side.band, k, e, l));
    const interval = Number.isFinite(low) ? ` [${shown(low)}, ${shown(high)}]` : "";
    return `${plain(side.quantity)} = ${shown(mean)} ${state.unit}${count > 1 ? interval : ""}`;
  };

  /* The same limits on every panel, so that panels can be compared. */
  const limits = (kind) => {
    let [low, high] = [0, 0];
    for (const run of runs) {
      high = Math.max(high, run.ceilings[kind] ?? 0, kind === "target" && run.bound ? run.bound.y[run.bound.y.length - 1] : 0);
      for (const v of run[kind].value.values) {
        if (!Number.isFinite(v)) continue;
        low = Math.min(low, v);
        high = Math.max(high, v);
      }
    }
    const edge = 0.04 * (high - low || 1);
    return [low - edge, high + 1.6 * edge];
  };
  const extent = { input: limits("input"), target: limits("target") };

  const boundTraces = (run) => {
    const f = factor();
    const { x, y, slope } = run.bound ?? { x: [0], y: [0], slope: 0 };
    const last = x[x.length - 1];
    const right = Math.max(extent.input[1], last);
    const [across, along] = [[...x, right], [...y, y[y.length - 1] + slope * (right - last)]].map((v) => v.map((w) => w * f));
    const top = Math.max(extent.target[1] * f, along[along.length - 1]);
    const common = { mode: "lines", hoverinfo: "skip", showlegend: false, visible: run.bound !== null };
    return [
      { ...common, x: [...across, right * f, 0], y: [...along, top, top], fill: "toself", fillcolor: "rgba(90,98,112,0.10)",
        line: { width: 0 }, meta: { kind: "beyond" } },
      { ...common, x: across, y: along, line: { color: "#4a515c", width: 2 }, meta: { kind: "bound" } },
    ];
  };

  const pathTrace = (run, l, e, common) => {
    const s = run.seeds.indexOf(state.network);
    const follow = (side) => Array.from({ length: e + 1 }, (_, k) =>
      factor() * (s < 0 ? cell(side.band, 0, k, l) : cell(side.value, s, k, l)));
    return { ...common, mode: "lines", hoverinfo: "skip", x: follow(run.input), y: follow(run.target),
      opacity: 0.75, line: { color: common.marker.color, width: 1.5 }, meta: { ...common.meta, kind: "path" },
      visible: common.visible && state.path };
  };

  const networkTrace = (run, l, e, common) => {
    const chosen = run.seeds.map((_, s) => s).filter((s) => !state.network || run.seeds[s] === state.network);
    const text = chosen.map((s) => `<b>${plain(layers[run.layers[l]].name)}</b>, network ${plain(run.seeds[s])}, ` +
      `epoch ${run.epochs[e]}<br>${told(run.input, s, e, l)}<br>${told(run.target, s, e, l)}`);
    const [alone, many] = [state.points === "networks", chosen.length > 60];
    return { ...common, mode: "markers", text, hoverinfo: "text", meta: { ...common.meta, kind: "network" },
      x: chosen.map((s) => cell(run.input.value, s, e, l) * factor()),
      y: chosen.map((s) => cell(run.target.value, s, e, l) * factor()),
      marker: { ...common.marker, size: state.network ? 10 : alone ? 8 : 6, opacity: state.network ? 1 : alone ? 0.8 : many ? 0.35 : 0.5 },
      visible: common.visible && (state.points !== "mean" || state.network !== "") };
  };

  const meanTrace = (run, l, e, common) => {
    const bars = (side) => {
      const [mean, low, high] = [0, 1, 2].map((k) => cell(side.band, k, e, l) * factor());
      return { type: "data", symmetric: false, array: [high - mean], arrayminus: [mean - low], thickness: 1.6, width: 3,
        color: "#222", visible: state.band && Number.isFinite(low) };
    };
    const count = run.seeds.length;
    const text = `<b>${plain(layers[run.layers[l]].name)}</b>, mean of ${count} network${count > 1 ? "s" : ""}` +
      `${count > 1 ? " [95 %]" : ""}, epoch ${run.epochs[e]}<br>${toldMean(run.input, e, l, count)}<br>${toldMean(run.target, e, l, count)}`;
    return { ...common, mode: "markers", text: [text], hoverinfo: "text", meta: { ...common.meta, kind: "mean" },
      x: [cell(run.input.band, 0, e, l) * factor()], y: [cell(run.target.band, 0, e, l) * factor()],
      error_x: bars(run.input), error_y: bars(run.target),
      marker: { ...common.marker, size: 13, line: { color: "#111", width: 1.2 } },
      visible: common.visible && state.points !== "networks" && state.network === "" };
  };

  /* Whether estimates of this side are intervals, and the mean of their ends over networks, cut to what is possible. */
  const isInterval = (side) => side.direction === "interval" && side.lower !== null && side.upper !== null;
  const meanEnd = (run, kind, end, e, l) => {
    const values = run.seeds.map((_, s) => cell(run[kind][end], s, e, l)).filter(Number.isFinite);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return Math.min(Math.max(mean, 0), run.ceilings[kind] ?? Infinity) * factor();
  };
  const boundsTrace = (run, l, e, common) => {
    const [x, y] = [run.input, run.target].map((side) => cell(side.band, 0, e, l) * factor());
    const ends = (kind) => ["lower", "upper"].map((end) => meanEnd(run, kind, end, e, l));
    const line = { x: [], y: [] };
    if (isInterval(run.input)) { line.x.push(...ends("input"), null); line.y.push(y, y, null); }
    if (isInterval(run.target)) { line.x.push(x, x, null); line.y.push(...ends("target"), null); }
    return { ...common, ...line, mode: "lines", hoverinfo: "skip", opacity: 0.7, meta: { ...common.meta, kind: "bounds" },
      line: { color: common.marker.color, width: 3 },
      visible: common.visible && state.bounds && state.points !== "networks" && state.network === "" && line.x.length > 0 };
  };

  const traces = (run) => {
    const e = nearest(run, epochs[state.at]);
    const drawn = run.layers.map((place, l) => {
      const look = layers[place];
      return [l, { showlegend: false, visible: !state.hidden.has(place), meta: { layer: look.name },
        marker: { color: look.colour, symbol: look.symbol, line: { color: "#222", width: 0.5 } } }];
    });
    const of = (make) => drawn.map(([l, common]) => make(run, l, e, common));
    return [...boundTraces(run), ...of(pathTrace), ...of(networkTrace), ...of(boundsTrace), ...of(meanTrace)];
  };

  const axis = (title, range) => ({
    title: { text: title, standoff: 8 }, range, zeroline: false, showgrid: true, gridcolor: "#eceef1", linecolor: "#8a919c",
    showline: true, ticks: "outside", tickcolor: "#8a919c", automargin: true,
  });

  const layout = (run) => {
    const f = factor();
    const shapes = [];
    const dotted = { type: "line", layer: "below", line: { color: "#4a515c", width: 1.2, dash: "dot" } };
    const [cx, cy] = [run.ceilings.input, run.ceilings.target];
    const annotations = [];
    const small = { showarrow: false, font: { size: 11, color: "#4a515c" } };
    if (cx !== null) {
      shapes.push({ ...dotted, x0: cx * f, x1: cx * f, y0: 0, y1: 1, yref: "paper" });
      annotations.push({ ...small, x: cx * f, y: 0.02, yref: "paper", text: `log n = ${(cx * f).toFixed(2)} ${state.unit}`, xanchor: "right", yanchor: "bottom" });
    }
    if (cy !== null) {
      if (run.bound?.most !== "H(Y)") shapes.push({ ...dotted, y0: cy * f, y1: cy * f, x0: 0, x1: 1, xref: "paper" });
      annotations.push({ ...small, x: extent.input[0] * f * 0.3, y: cy * f, yanchor: "bottom", xanchor: "left",
        text: `${run.bound?.most ?? "I(X;Y)"} = ${(cy * f).toFixed(3)} ${state.unit}` });
    }
    return {
      ...base(), shapes, annotations, hovermode: "closest", uirevision: state.unit,
      xaxis: axis(`${plain(run.input.quantity)}, ${state.unit}`, extent.input.map((v) => v * f)),
      yaxis: axis(`${plain(run.target.quantity)}, ${state.unit}`, extent.target.map((v) => v * f)),
    };
  };

  const base = () => ({
    margin: { l: 58, r: 14, t: 32, b: 48 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: "#1c1f24" },
    hoverlabel: { align: "left", bgcolor: "#fff", bordercolor: "#8a919c", font: { color: "#1c1f24", size: 12.5 } },
  });
  const config = {
    responsive: true, displaylogo: false, displayModeBar: "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: "information-plane" },
  };

  const drawPlanes = () => {
    for (const plot of document.querySelectorAll(".plot.plane")) {
      const run = runs[plot.dataset.run];
      Plotly.react(plot, traces(run), layout(run), config);
      const epoch = run.epochs[nearest(run, epochs[state.at])];
      document.querySelector(`.at[data-run="${plot.dataset.run}"]`).textContent =
        epoch === epochs[state.at] ? "" : `Nearest checkpoint of this run: epoch ${epoch}.`;
    }
  };

  return { runs, layers, epochs, state, factor, plain, cell, shown, axis, base, config, drawPlanes, isInterval };
})();
