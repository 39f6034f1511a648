(() => {
  const byId = id => document.getElementById(id);
  const clock = new CometSource('/clock/stream', { shared: true });
  clock.onmessage = event => { byId('clock').textContent = event.data; };

  const vitals = new CometSource('/vitals/stream', { shared: true });
  vitals.onmessage = event => { byId('cpu').textContent = event.data.cpu.toFixed(1); };

  const announcements = new CometSource('/announcements/stream', { from: 'earliest', shared: true });
  announcements.onmessage = event => { byId('latest').textContent = event.data.text; };

  showConnection(vitals);
})();
