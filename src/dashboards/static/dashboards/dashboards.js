"use strict";

// --- Toasts: gone after a while, unless somebody is at them ---------------------------------------------------------

const SHOWN_MS = 12000;

function expire(toast) {
  setTimeout(() => (toast.matches(":hover, :focus-within") ? expire(toast) : toast.remove()), SHOWN_MS);
}

const toasts = document.getElementById("toasts");
toasts.querySelectorAll(".toast").forEach(expire);
new MutationObserver((changes) =>
  changes.forEach((change) => change.addedNodes.forEach((node) => node.nodeType === 1 && expire(node))),
).observe(toasts, { childList: true });

function tellAway() {
  toasts.append(document.getElementById("away").content.cloneNode(true));
}
document.addEventListener("htmx:sendError", tellAway);
document.addEventListener("htmx:responseError", tellAway);

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if ("closes" in button.dataset) button.closest(".toast").remove();
  if ("prints" in button.dataset) window.print();
  // Browsers without invoker commands; the others have opened it by themselves.
  if (button.commandForElement === undefined && button.hasAttribute("commandfor")) {
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  }
});

// --- What reads itself anew by the clock waits until nobody is at it ------------------------------------------------

document.addEventListener("htmx:beforeRequest", (event) => {
  const live = event.target.id === "live" && !event.detail.requestConfig.triggeringEvent;
  if (live && event.target.contains(document.activeElement)) event.preventDefault();
});

// --- Selecting rows -------------------------------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const boxes = (name) => [...document.querySelectorAll(`input[type=checkbox][name="${name}"]`)];
  const all = event.target.dataset.selects;
  if (all) boxes(all).forEach((box) => (box.checked = event.target.checked));
  const name = all || event.target.name;
  const count = boxes(name).filter((box) => box.checked).length;
  document.querySelectorAll(`[data-selected="${name}"]`).forEach((place) => (place.textContent = count));
  document.querySelectorAll(`[data-needs="${name}"]`).forEach((button) => (button.disabled = count === 0));
  const master = document.querySelector(`[data-selects="${name}"]`);
  if (master) {
    master.checked = count > 0 && count === boxes(name).length;
    master.indeterminate = count > 0 && !master.checked;
  }
});

// --- Charts ---------------------------------------------------------------------------------------------------------

const root = document.documentElement;
const drawn = new Map();

function colour(canvas, name) {
  // A custom property's own value may still be light-dark(): a colour that uses it is resolved.
  canvas.style.color = `var(${name})`;
  return getComputedStyle(canvas).color;
}

function faded(rgb, opacity) {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`);
}

function draw(canvas) {
  drawn.get(canvas)?.destroy();
  const { kind, labels, series } = JSON.parse(canvas.dataset.chart);
  const accent = colour(canvas, "--accent");
  const muted = colour(canvas, "--muted");
  const line = colour(canvas, "--line");
  const surface = colour(canvas, "--surface");
  const money = (value, digits) =>
    value.toLocaleString(root.lang, {
      style: "currency", currency: root.dataset.currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: digits, maximumFractionDigits: digits,
    });
  const looks = [
    { borderColor: accent, backgroundColor: kind === "bar" ? accent : faded(accent, 0.1), fill: true, borderWidth: 2 },
    { borderColor: muted, backgroundColor: faded(muted, 0.45), fill: false, borderWidth: 1.5, borderDash: [4, 4] },
  ];
  const font = { family: "Inter, system-ui, sans-serif", size: 12 };
  const few = labels.length <= 14;
  drawn.set(canvas, new Chart(canvas, {
    type: kind,
    data: {
      labels,
      datasets: series.map(({ name, values }, index) => ({
        label: name, data: values, ...looks[index], borderRadius: 4, maxBarThickness: 40, cubicInterpolationMode: "monotone",
        pointRadius: few && index === 0 ? 3 : 0, pointHoverRadius: 5, pointBackgroundColor: surface, pointBorderWidth: 2,
        ...(kind === "bar" && { borderWidth: 0 }),
      })),
    },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: false },
        tooltip: {
          titleFont: font, bodyFont: font, padding: 10, boxPadding: 4,
          callbacks: { label: (item) => ` ${item.dataset.label}: ${money(item.parsed.y, 2)}` },
        },
      },
      scales: {
        x: { grid: { display: false }, border: { color: line }, ticks: { color: muted, font, maxRotation: 0, autoSkipPadding: 12 } },
        y: { beginAtZero: true, grid: { color: line }, border: { display: false }, ticks: { color: muted, font, maxTicksLimit: 6, callback: (value) => money(value, 0) } },
      },
    },
  }));
}

function drawAll() {
  for (const canvas of drawn.keys()) {
    if (!canvas.isConnected) {
      drawn.get(canvas).destroy();
      drawn.delete(canvas);
    }
  }
  document.querySelectorAll("canvas[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("htmx:afterSettle", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
