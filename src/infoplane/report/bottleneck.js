/* The curves in the information plane: one picture for all, with what no encoder reaches. */
"use strict";

const bottleneck = (() => {
  const page = JSON.parse(document.getElementById("curve-data").textContent);
  const curves = page.curves;
  const state = { unit: "bits", hidden: new Set(), label: curves.find((curve) => curve.labels.length)?.labels[0] };
  const factor = () => (state.unit === "bits" ? 1 / Math.LN2 : 1);

  /* Text from the data goes into labels as text: Plotly reads a little HTML in them. */
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const known = (value) => typeof value === "number" && Number.isFinite(value);
  const shown = (value) => (known(value) ? (value * factor()).toFixed(4).replace("-", "−") : "–");
  const most = (values) => values.reduce((a, b) => (known(b) ? Math.max(a, b) : a), -Infinity);

  const axis = (title, range) => ({
    title: { text: title, standoff: 8 }, range, zeroline: false, showgrid: true, gridcolor: "#eceef1", linecolor: "#8a919c",
    showline: true, ticks: "outside", tickcolor: "#8a919c", automargin: true,
  });
  const base = () => ({
    margin: { l: 58, r: 14, t: 14, b: 46 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff", hovermode: "closest", showlegend: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: "#1c1f24" },
    hoverlabel: { align: "left", bgcolor: "#fff", bordercolor: "#8a919c", font: { color: "#1c1f24", size: 12.5 } },
  });
  const config = {
    responsive: true, displaylogo: false, displayModeBar: "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: "bottleneck" },
  };
  const dotted = { type: "line", layer: "below", line: { color: "#4a515c", width: 1.2, dash: "dot" } };

  /* A point in words. */
  const told = (curve, k) => {
    const lines = [`<b>${plain(curve.title)}</b>, beta = ${curve.beta[k].toPrecision(5)}`,
      `I(X;T) = ${shown(curve.mi_input[k])} ${state.unit}`, `I(T;Y) = ${shown(curve.mi_target[k])} ${state.unit}`];
    if (known(curve.mi_target_geometric[k])) lines.push(`of geometric laws ${shown(curve.mi_target_geometric[k])} ${state.unit}`);
    if (curve.count) lines.push(`${curve.count.values[k]} ${plain(curve.count.name)}`);
    lines.push(known(curve.gap[k]) ? `gap ${curve.gap[k].toExponential(1)} nats` : "gap not known");
    if (curve.interpolated[k]) lines.push("on a chord, no solution of its own");
    if (!curve.converged[k]) lines.push("not converged");
    return lines.join("<br>");
  };

  const marks = (curve, here, marker, kind) => {
    const at = curve.beta.map((_, k) => k).filter(here);
    return { mode: "markers", hoverinfo: "text", text: at.map((k) => told(curve, k)), marker, meta: { kind, curve: curve.title },
      x: at.map((k) => curve.mi_input[k] * factor()), y: at.map((k) => curve.mi_target[k] * factor()),
      visible: at.length > 0 };
  };

  const traces = (curve, number) => {
    if (state.hidden.has(number)) return [];
    const [certain, chord] = [curve.certified, curve.interpolated];
    const [x, y] = [curve.mi_input, curve.mi_target].map((side) => side.map((v) => (known(v) ? v * factor() : null)));
    const marker = { symbol: curve.symbol, color: curve.colour, size: 8, line: { color: "#222", width: 0.5 } };
    const open = { ...marker, color: "#fff", line: { color: curve.colour, width: 1.6 } };
    return [
      { mode: "lines", hoverinfo: "skip", x, y, line: { color: curve.colour, width: 1.6 }, meta: { kind: "line", curve: curve.title } },
      marks(curve, (k) => chord[k], { ...marker, size: 4 }, "chord"),
      marks(curve, (k) => certain[k] && !chord[k], marker, "certified"),
      marks(curve, (k) => !certain[k] && !chord[k], open, "open"),
      marks(curve, (k) => !curve.converged[k], { symbol: "x-thin", size: 11, line: { color: "#000", width: 2 } }, "unconverged"),
    ];
  };

  const drawCurve = (plot) => {
    const f = factor();
    const drawn = curves.filter((_, number) => !state.hidden.has(number));
    const [reachX, reachY] = ["mi_input", "mi_target"].map((name) => most(drawn.flatMap((curve) => curve[name])));
    const [topX, topY] = [page.ceilings.input, page.ceilings.target];
    const near = known(topX) && topX < 1.6 * reachX;
    const right = 1.06 * Math.max(reachX, near ? topX : 0) || 1;
    const top = 1.1 * Math.max(reachY, topY ?? 0) || 1;
    const { x, y } = page.beyond;
    const grey = { mode: "lines", hoverinfo: "skip", fill: "toself", fillcolor: "rgba(90,98,112,0.12)", line: { width: 0 },
      x: [...x, x[x.length - 1], 0].map((v) => v * f), y: [...y, 2 * top, 2 * top].map((v) => v * f), meta: { kind: "beyond" } };
    const small = { showarrow: false, font: { size: 11, color: "#4a515c" }, bgcolor: "rgba(255,255,255,0.7)" };
    const [shapes, annotations] = [[], []];
    if (known(topY)) {
      shapes.push({ ...dotted, y0: topY * f, y1: topY * f, x0: 0, x1: 1, xref: "paper" });
      annotations.push({ ...small, x: 0.01, xref: "paper", y: topY * f, xanchor: "left", yanchor: "bottom", text: `I(X;Y) = ${shown(topY)} ${state.unit}` });
    }
    if (near) {
      shapes.push({ ...dotted, x0: topX * f, x1: topX * f, y0: 0, y1: 1, yref: "paper" });
      annotations.push({ ...small, x: topX * f, y: 0.02, yref: "paper", xanchor: "right", yanchor: "bottom", text: `H(X) = ${shown(topX)} ${state.unit}` });
    }
    Plotly.react(plot, [grey, ...curves.flatMap(traces)], { ...base(), shapes, annotations, uirevision: state.unit,
      xaxis: axis(`I(X;T), ${state.unit}`, [-0.02 * right * f, right * f]),
      yaxis: axis(`I(T;Y), ${state.unit}`, [-0.02 * top * f, top * f]) }, config);
  };

  return { curves, state, factor, plain, known, shown, most, axis, base, config, dotted, told, drawCurve };
})();
