"use strict";
// Records are not trusted: data from the service is inserted as text, never as markup.
const byId = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

function count(value) {
  return Math.abs(value) < 10000 ? whole.format(Math.round(value)) : short.format(value);
}

function rate(value) {
  return value === 0 || value >= 10 ? count(value) : value.toPrecision(2);
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0 s";
  if (value < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
  if (value < 0.01) return `${(value * 1e3).toFixed(1)} ms`;
  if (value < 1) return `${(value * 1e3).toFixed(0)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 120) return `${value.toFixed(0)} s`;
  if (value < 7200) return `${(value / 60).toFixed(0)} min`;
  if (value < 172800) return `${(value / 3600).toFixed(0)} h`;
  return `${count(value / 86400)} d`;
}

function bytes(value) {
  const units = ["B", "kB", "MB", "GB"];
  let index = 0;
  for (; value >= 1000 && index < units.length - 1; index += 1) value /= 1000;
  return `${value >= 100 || index === 0 ? value.toFixed(0) : value.toPrecision(2)} ${units[index]}`;
}

// Latencies beyond the last bucket of the histogram are only counted, so their values are unknown.
let longestLatency = Infinity;

function latencySeconds(value) {
  return value >= longestLatency ? `> ${seconds(longestLatency)}` : seconds(value);
}

// Format a time in UTC, without the date if it is today. A time out of the range of dates is shown in ms.
function clock(milliseconds) {
  if (!(Math.abs(milliseconds) <= 8.64e15)) return `${milliseconds} ms`;
  const [day, time] = new Date(milliseconds).toISOString().split("T");
  const isToday = day === new Date().toISOString().slice(0, 10);
  return `${isToday ? "" : `${day} `}${time.replace(/\.?0*Z$/, "Z")}`;
}
