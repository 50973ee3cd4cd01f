// Curves of tables: [data-chart="id"] draws the columns with a data-tone of the table with that id, a point per row with
// a data-day. Without a script, or with fewer than two points, the table stands alone.
(() => {
  "use strict";

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const language = document.documentElement.lang;
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" });
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];
  const DASHES = [[], [7, 4], [2, 3]];

  function read(table) {
    const heads = [...table.tHead.rows[0].cells].map((cell, place) => ({ place, label: cell.textContent.trim(), tone: cell.dataset.tone })).filter((head) => head.tone);
    const rows = [...table.tBodies[0].rows];
    const value = (text) => (text === undefined || text === "" || text === "None" ? null : Number(text));
    return {
      heads,
      data: [rows.map((row) => Date.parse(`${row.dataset.day}T00:00:00Z`) / 1000), ...heads.map((head) => rows.map((row) => value(row.cells[head.place].dataset.value)))],
    };
  }

  const splits = ({ least, most }) => (least ? { splits: () => [Number(least), (Number(least) + Number(most)) / 2, Number(most)] } : { incrs: STEPS });

  // From data-least to data-most where the ends are known, else from nothing to a little above the highest point.
  function range(box) {
    const { least, most } = box.dataset;
    return least ? [Number(least), Number(most)] : (chart, low, high) => [0, Math.max(high * 1.1, 4)];
  }

  function draw(box) {
    const table = document.getElementById(box.dataset.chart);
    const { heads, data } = read(table);
    box.replaceChildren();
    box.hidden = data[0].length < 2;
    if (box.hidden) {
      table.closest("details").open = true;
      return;
    }
    const isSmall = box.classList.contains("is-small");
    const line = { stroke: colour("--tblr-secondary-color"), grid: { stroke: colour("--tblr-border-color"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    new window.uPlot(
      {
        width: Math.max(box.clientWidth - 16, 200),
        height: isSmall ? 130 : 220,
        tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        cursor: { y: false },
        legend: { show: !isSmall },
        scales: { y: { range: range(box) } },
        axes: [
          { ...line, size: 26, space: 72, values: (chart, days) => days.map((split) => day.format(new Date(split * 1000))) },
          { ...line, size: 44, ...splits(box.dataset) },
        ],
        series: [
          { label: table.tHead.rows[0].cells[0].textContent.trim(), value: (chart, seconds) => (seconds === null ? "–" : day.format(new Date(seconds * 1000))) },
          ...heads.map((head, place) => ({ label: head.label, stroke: colour(`--desk-${head.tone}`), width: 2, dash: DASHES[place % DASHES.length], spanGaps: true, points: { show: isSmall } })),
        ],
      },
      data,
      box,
    );
  }

  const boxes = [...document.querySelectorAll("[data-chart]")];
  const drawAll = () => boxes.forEach(draw);
  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    drawAll();
  });
})();
