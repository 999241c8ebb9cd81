/* A browser does not tell the width of the sheet before it prints: 690 px fit on A4 and on Letter. */
"use strict";

(() => {
  const sheet = 690;
  const drawn = () => [...document.querySelectorAll(".plot")].filter((plot) => plot.data);
  const wide = (plot) => plot.parentElement.matches("section") || bottleneck.curves.length === 1;
  addEventListener("beforeprint", () => drawn().forEach((plot) =>
    Plotly.relayout(plot, { autosize: false, width: wide(plot) ? sheet : (sheet - 12) / 2 })));
  addEventListener("afterprint", () => drawn().forEach((plot) => Plotly.relayout(plot, { autosize: true, width: undefined })));
})();
