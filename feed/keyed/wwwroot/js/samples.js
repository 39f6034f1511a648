(() => {
  const list = document.getElementById('messages');

  const source = new CometSource(list.dataset.stream, { from: 'earliest', shared: true });
  source.onmessage = event => addMessage(list, event.data);
  showConnection(source);
})();
