// Runs in a copy of the page and tells its parent frame what a reader would trip over.
const errors = [];
addEventListener('error', event => errors.push(String(event.message)));
addEventListener('securitypolicyviolation', event => errors.push(event.violatedDirective + ' ' + event.blockedURI));

function parsed(color) {
  const parts = color.match(/[\d.]+/g).map(Number);
  return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
// WCAG 2 contrast.
function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
function background(element) {
  for (let at = element; at; at = at.parentElement) {
    const color = parsed(getComputedStyle(at).backgroundColor);
    if (color.alpha > 0) return color.rgb;
  }
  return [255, 255, 255];
}
function named(element) {
  return element.tagName + '.' + (element.getAttribute('class') || '') + ' ' + element.textContent.trim().slice(0, 60);
}

function measure() {
  const root = document.documentElement;
  const found = { width: innerWidth, errors, wide: [], faint: [], faintMarks: [], collisions: [], outside: [],
    texts: 0, marks: 0, plots: 0, smallest: 99, dark: matchMedia('(prefers-color-scheme: dark)').matches };
  for (const open of [false, true]) {
    if (open) document.querySelectorAll('details').forEach(details => { details.open = true; });
    if (root.scrollWidth > root.clientWidth) {
      found.wide.push(`page: ${root.scrollWidth} in ${root.clientWidth}`);
      for (const element of document.body.querySelectorAll('*')) {
        if (found.wide.length < 6 && !element.closest('.scroll') && element.getBoundingClientRect().right > root.clientWidth + 1)
          found.wide.push(named(element));
      }
    }
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length || element.closest('title, desc')) continue;
    const style = getComputedStyle(element);
    const ratio = contrast(parsed(element.tagName === 'text' ? style.fill : style.color).rgb, background(element));
    found.texts += 1;
    found.smallest = Math.min(found.smallest, parseFloat(style.fontSize));
    if (ratio < 4.5) found.faint.push(`${ratio.toFixed(2)} ${named(element)}`);
  }
  for (const shape of document.querySelectorAll('svg :is(circle, rect, polygon, polyline)')) {
    const style = getComputedStyle(shape);
    if (!shape.getClientRects().length) continue;
    for (const role of ['fill', 'stroke']) {
      if (!/series/.test(shape.getAttribute(role) || '')) continue;
      const ratio = contrast(parsed(style[role]).rgb, background(shape));
      found.marks += 1;
      if (ratio < 3) found.faintMarks.push(`${ratio.toFixed(2)} ${shape.getAttribute(role)}`);
    }
  }
  for (const plot of document.querySelectorAll('svg.plot')) {
    if (!plot.getClientRects().length) continue;
    found.plots += 1;
    const frame = plot.getBoundingClientRect();
    const boxes = [...plot.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]);
    boxes.forEach(([text, box], index) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
        found.outside.push(named(text));
      for (const [other, next] of boxes.slice(index + 1)) {
        const across = Math.min(box.right, next.right) - Math.max(box.left, next.left);
        // The boxes of lines hold room above and below the letters.
        const down = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
        if (across > 1 && down > box.height * 0.35) found.collisions.push(`${named(text)} / ${named(other)}`);
      }
    });
  }
  for (const key of ['wide', 'faint', 'faintMarks', 'collisions', 'outside']) found[key] = found[key].slice(0, 8);
  return found;
}

// Violations of the policy are told of in tasks of their own, which may come after the load.
addEventListener('load', () => setTimeout(() => {
  let found;
  try { found = measure(); } catch (error) { found = { width: innerWidth, errors: [String(error.stack)] }; }
  parent.postMessage(btoa(unescape(encodeURIComponent(JSON.stringify(found)))), '*');
}, 500));
