'use strict';
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  all('.js').forEach((e) => { e.hidden = false; });

  // The command, into the clipboard; where that is not to be had, it is selected.
  all('.copy').forEach((button) => button.addEventListener('click', async () => {
    const code = button.parentElement.querySelector('code');
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'copied';
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = 'selected';
    }
    setTimeout(() => { button.textContent = 'copy'; }, 1500);
  }));

  // The filter shows rows and sections alike.
  const filter = document.querySelector('.filter');
  const parts = all('[data-search]');
  const rows = all('tr[data-search]');
  const apply = () => {
    const words = filter.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    parts.forEach((e) => {
      const box = filter.elements.namedItem(e.dataset.verdict);
      e.hidden = (box && !box.checked) || !words.every((w) => e.dataset.search.includes(w));
    });
    filter.querySelector('output').textContent = `${rows.filter((r) => !r.hidden).length} of ${rows.length} shown`;
  };
  if (filter) {
    filter.addEventListener('input', apply);
    filter.addEventListener('submit', (e) => e.preventDefault());
    const toggle = (open) => all('details.scenario').forEach((d) => { if (!d.hidden) d.open = open; });
    filter.elements.expand.addEventListener('click', () => toggle(true));
    filter.elements.collapse.addEventListener('click', () => toggle(false));
    apply();
  }

  // Whatever a link leads to is opened, and has the keyboard's focus.
  const reveal = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    if (!target) return;
    for (let e = target.closest('details'); e; e = e.parentElement.closest('details')) e.open = true;
    target.scrollIntoView();
    if (target.tabIndex === -1 && target.hasAttribute('tabindex')) target.focus({preventScroll: true});
  };
  addEventListener('hashchange', reveal);
  reveal();

  const stories = () => all('.story').filter((s) => !s.closest('.scenario').hidden);
  const step = (by) => {
    const list = stories();
    if (list.length === 0) return;
    const at = list.indexOf(document.activeElement);
    const to = list[at < 0 && by < 0 ? list.length - 1 : (at + by + list.length) % list.length];
    to.closest('details').open = true;
    to.focus({preventScroll: true});
    to.scrollIntoView();
  };
  addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input:not([type=checkbox])')) return;
    if (e.key === 'n') step(1);
    else if (e.key === 'p') step(-1);
    else if (e.key === '/' && filter) filter.elements.text.focus();
    else return;
    e.preventDefault();
  });

  const clock = (us) => {
    const tenths = Math.round(us / 1e5);
    const s = (tenths % 600) / 10, m = Math.floor(tenths / 600) % 60, h = Math.floor(tenths / 36000);
    const two = (n) => String(n).padStart(2, '0');
    return `+${h > 0 ? h + ':' : ''}${two(m)}:${s.toFixed(1).padStart(4, '0')}`;
  };

  // Drawings get wider around what is in their middle, and tell the time under the pointer.
  all('.drawing').forEach((drawing) => {
    const scroll = drawing.querySelector('.scroll'), plot = drawing.querySelector('.plot'), cursor = drawing.querySelector('.cursor');
    const readout = drawing.querySelector('output'), end = Number(drawing.dataset.end);
    let wide = 1;
    const widen = (to, middle) => {
      const was = plot.getBoundingClientRect().width;
      const share = middle ?? (scroll.scrollLeft + scroll.clientWidth / 2) / was;
      wide = Math.min(Math.max(to, 1), 64);
      drawing.style.setProperty('--wide', wide);
      scroll.scrollLeft = share * plot.getBoundingClientRect().width - scroll.clientWidth / 2;
    };
    const buttons = {in: () => widen(wide * 2), out: () => widen(wide / 2), fit: () => widen(1)};
    buttons.moment = () => widen(8, parseFloat(drawing.querySelector('.moment').getAttribute('x1')) / 100);
    all('.tools button', drawing).forEach((b) => b.addEventListener('click', buttons[b.name]));
    scroll.addEventListener('keydown', (e) => {
      const press = {'+': 'in', '=': 'in', '-': 'out', '0': 'fit'}[e.key];
      if (press && !e.ctrlKey && !e.metaKey) { buttons[press](); e.preventDefault(); }
    });
    plot.addEventListener('pointermove', (e) => {
      const box = plot.getBoundingClientRect();
      const x = e.clientX - box.left;
      cursor.setAttribute('x1', x);
      cursor.setAttribute('x2', x);
      cursor.style.visibility = 'visible';
      const lane = e.target.closest('[data-lane]');
      readout.textContent = clock(Math.max(0, x / box.width) * end) + (lane ? '  ' + lane.getAttribute('aria-label').split(';')[0] : '');
    });
    plot.addEventListener('pointerleave', () => { cursor.style.visibility = 'hidden'; readout.textContent = ''; });
  });
})();
