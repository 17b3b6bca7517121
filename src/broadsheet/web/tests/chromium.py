"""What the tests that drive Chromium share; their fixtures stand in conftest.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

Open = Callable[..., Page]
CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), "")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
MARKS = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:No directory at"),
]

# Gives each piece of text whose contrast is below that of WCAG 2, level AA.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (...layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest('svg, script, .unseen, .skip')) continue;
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    const behind = [];
    let opacity = 1;
    for (let e = element; e; e = e.parentElement) {
      behind.unshift(getComputedStyle(e).backgroundColor);
      opacity *= getComputedStyle(e).opacity;
    }
    const below = rgb('white', ...behind), colour = getComputedStyle(element).color;
    const over = rgb(`rgb(${below})`, colour).map((v, i) => v * opacity + below[i] * (1 - opacity));
    const [a, b] = [light(over), light(below)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    const size = parseFloat(getComputedStyle(element).fontSize);
    const large = size >= 24 || (size >= 18.66 && getComputedStyle(element).fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}`);
  }
  return [...new Set(found)];
}"""

# Gives what is wrong with headings, ids, labels, names and the size of controls.
STRUCTURE = """() => {
  const wrong = [];
  const levels = [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]);
  if (levels.filter(l => l === 1).length !== 1) wrong.push('one h1');
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) wrong.push(`h${levels[i - 1]} then h${l}`); });
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  ids.forEach((id, i) => { if (ids.indexOf(id) !== i) wrong.push('twice #' + id); });
  for (const field of document.querySelectorAll('input:not([type="hidden"]), select, textarea'))
    if (!field.labels.length) wrong.push('no label ' + field.name);
  for (const control of document.querySelectorAll('a, button, summary')) {
    if (!control.textContent.trim() && !control.ariaLabel) wrong.push('no name ' + control.outerHTML);
    if (!control.checkVisibility()) continue;
    const box = control.getBoundingClientRect();
    const inline = getComputedStyle(control).display === 'inline';
    // Links in a line of text are exempt, and so is what stands as far from its neighbours as it is small.
    if (!inline && box.width > 1 && box.height < 23.9 && !control.closest('.foot, .acts, .skip'))
      wrong.push(`small ${box.height} ${control.outerHTML.slice(0, 80)}`);
  }
  for (const named of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const id of (named.getAttribute('aria-labelledby') ?? named.getAttribute('aria-describedby')).split(' '))
      if (!document.getElementById(id)) wrong.push('points nowhere: ' + id);
  for (const place of ['main', 'header', 'nav', 'footer'])
    if (!document.querySelector(place)) wrong.push('no ' + place);
  for (const table of document.querySelectorAll('table')) if (!table.querySelector('th[scope]')) wrong.push('table');
  for (const picture of document.querySelectorAll('svg:not([aria-hidden])')) wrong.push(picture.outerHTML);
  return wrong;
}"""
