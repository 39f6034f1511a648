using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CometBench.Load.Client;

/// <summary>A client at the end of a slow line, which notes how old each message is when it reads it.</summary>
internal sealed class SlowStream : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ChunkDecoder _chunks = new();
    private readonly byte[] _buffer; // begins with what is carried
    private readonly int _bytesPerPeriod;
    private int _carried;

    /// <param name="bytesPerSecond">What the line brings.</param>
    /// <param name="receiveBuffer">What its system takes for it; null: what that is by default.</param>
    internal SlowStream(int bytesPerSecond, int? receiveBuffer)
    {
        _bytesPerPeriod = bytesPerSecond / 10;
        _buffer = new byte[Marker.MaxLength + _bytesPerPeriod];
        if (receiveBuffer is { } size)
        {
            _socket.ReceiveBufferSize = size;
        }
    }

    internal LatencyHistogram Ages { get; } = new();

    internal long Messages { get; private set; }

    /// <summary>Whether the server has ended it.</summary>
    internal bool WasCut { get; private set; }

    internal async Task OpenAsync(IPEndPoint server, string path)
    {
        await _socket.ConnectAsync(server);
        await _socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {server}\r\n\r\n"));
        var head = new List<byte>();
        while (!Encoding.ASCII.GetString([.. head]).EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await ReceiveAsync(_buffer.AsMemory(0, 1), CancellationToken.None);
            head.Add(_buffer[0]);
        }
    }

    /// <summary>Reads so many bytes each tenth of a second, or what there is.</summary>
    internal async Task ReadAsync(CancellationToken over)
    {
        using var timer = new PeriodicTimer(Period);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                Take(await ReceiveAsync(_buffer.AsMemory(_carried, _bytesPerPeriod), over));
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The time is over.
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            WasCut = true;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var count = await _socket.ReceiveAsync(buffer, cancellation);
        return count > 0 ? count : throw new IOException("The server has ended a slow stream.");
    }

    private void Take(int count)
    {
        var now = Marker.Now;
        var bytes = _buffer.AsSpan(0, _carried + _chunks.Decode(_buffer.AsSpan(_carried, count)));
        _carried = 0;
        while (bytes.IndexOf((byte)'@') is >= 0 and var at)
        {
            bytes = bytes[at..];
            var parsed = Marker.TryParse(bytes, out var marker, out var length);
            if (parsed == Parsed.Cut)
            {
                _carried = bytes.Length;
                bytes.CopyTo(_buffer);
                return;
            }
            if (parsed == Parsed.Found)
            {
                Ages.Add(now - marker.SentAt);
                Messages++;
            }
            bytes = bytes[length..];
        }
    }
}
