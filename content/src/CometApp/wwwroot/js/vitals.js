(() => {
  const kept = 240; // a minute, as many as the feed retains
  const samples = [];
  const canvas = document.getElementById('chart');
  const megabytes = bytes => bytes / 1048576;
  let frame = 0;

  function draw() {
    frame = 0;
    const scale = devicePixelRatio || 1;
    const { width, height } = canvas.getBoundingClientRect();
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext('2d');
    pen.scale(scale, scale);
    const style = getComputedStyle(canvas);
    pen.font = '12px system-ui, sans-serif';
    drawGrid(pen, width, height, style.getPropertyValue('--comet-line'));
    drawLine(pen, width, height, style.getPropertyValue('--comet-cpu'), sample => sample.cpu, 100, 'right', '%');
    drawLine(pen, width, height, style.getPropertyValue('--comet-memory'), sample => megabytes(sample.memory), 100, 'left', 'MB');
  }

  function drawGrid(pen, width, height, color) {
    pen.strokeStyle = color;
    pen.beginPath();
    for (let i = 0; i <= 4; i++) {
      const y = Math.round(8 + i * (height - 16) / 4) + 0.5;
      pen.moveTo(0, y);
      pen.lineTo(width, y);
    }
    pen.stroke();
  }

  function drawLine(pen, width, height, color, valueOf, least, side, unit) {
    const most = Math.max(least, ...samples.map(valueOf)) * 1.1;
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = 2;
    pen.lineJoin = 'round';
    pen.beginPath();
    samples.forEach((sample, i) => {
      const x = width - (samples.length - 1 - i) * width / (kept - 1);
      pen.lineTo(x, height - 8 - valueOf(sample) / most * (height - 16));
    });
    pen.stroke();
    pen.textAlign = side;
    pen.fillText(`${most.toFixed(0)} ${unit}`, side === 'left' ? 4 : width - 4, 20);
  }

  function vitalsChanged(vitals) {
    samples.push(vitals);
    if (samples.length > kept) samples.shift();
    document.getElementById('cpu').textContent = vitals.cpu.toFixed(1);
    document.getElementById('memory').textContent = megabytes(vitals.memory).toFixed(0);
    document.getElementById('heap').textContent = megabytes(vitals.heap).toFixed(1);
    document.getElementById('streams').textContent = vitals.streams;
    frame ||= requestAnimationFrame(draw);
  }

  addEventListener('resize', () => { frame ||= requestAnimationFrame(draw); });

  const source = new CometSource(canvas.dataset.stream, { from: 'earliest', shared: true });
  source.onmessage = event => vitalsChanged(event.data);
  showConnection(source);
})();
