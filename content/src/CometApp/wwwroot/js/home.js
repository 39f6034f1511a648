(() => {
  const show = (id, text) => { document.getElementById(id).textContent = text; };

  // One connection: of each feed the newest message, and then every one that comes.
  const source = new CometSource(document.getElementById('live').dataset.stream, { shared: true });
  source.addEventListener('vitals', ({ data: { at, cpu } }) => {
    show('clock', at.slice(11, 19).replaceAll(':', ' ')); // the server's time of day, as it writes it
    show('cpu', cpu.toFixed(1));
  });
  source.addEventListener('announcements', ({ data: { text } }) => show('latest', text));

  showConnection(source);
})();
