(() => {
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  const list = document.getElementById('announcements');

  // One connection: of each feed the newest messages, and then every one that comes.
  function follow() {
    const source = new CometSource(document.getElementById('live').dataset.stream, { shared: true });
    source.addEventListener('vitals', ({ data: { at, cpu } }) => {
      show('clock', at.slice(11, 19)); // the server's time of day, as it writes it
      show('cpu', cpu.toFixed(1));
    });
    source.addEventListener('announcements', ({ data }) => addMessage(list, data));
    // The server no longer has what came next: the newest that it has are new here.
    source.addEventListener('gap', ({ feed }) => {
      if (feed !== 'announcements') return;
      source.close();
      follow();
    });
    showConnection(source);
  }

  follow();
})();
