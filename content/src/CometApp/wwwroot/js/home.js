(() => {
  // Each element says which stream it shows.
  function show(id, options, textOf) {
    const element = document.getElementById(id);
    const source = new CometSource(element.dataset.stream, { shared: true, ...options });
    source.onmessage = event => { element.textContent = textOf(event.data); };
    return source;
  }

  show('clock', {}, time => time);
  const vitals = show('cpu', {}, ({ cpu }) => cpu.toFixed(1));
  show('latest', { from: 'earliest' }, ({ text }) => text);

  showConnection(vitals);
})();
