using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CometBench.Load.Client;

/// <summary>One open stream over plain HTTP/1.1: a socket, a small buffer and one pending receive.</summary>
internal sealed class SocketStream : IOpenStream
{
    private const int BufferSize = 4 * 1024;
    private const int BurstSize = 64 * 1024;

    // What a full read has left, of whichever stream: a server may write all that waits for a connection at once.
    [ThreadStatic]
    private static byte[]? _burst;

    private readonly Socket _socket;
    // Begins with what is carried.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Marker.MaxLength + BufferSize, pinned: true);
    private readonly SocketAsyncEventArgs _receive = new();
    private readonly ChunkDecoder _chunks = new();
    private int _carried;

    private SocketStream(Socket socket)
    {
        _socket = socket;
        _receive.Completed += (_, _) => Receive(completed: true);
        _receive.SetBuffer(_buffer, Marker.MaxLength, BufferSize);
    }

    public MarkerScanner Scanner { get; } = new();

    /// <summary>Sends the request and waits for the response's head.</summary>
    /// <param name="server">Where.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="accept">The <c>Accept</c> header.</param>
    internal static async Task<SocketStream> OpenAsync(IPEndPoint server, string path, string accept)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var stream = new SocketStream(socket);
        try
        {
            await socket.ConnectAsync(server);
            socket.Blocking = false; // a read that is not pending takes what is there
            await socket.SendAsync(
                Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {server}\r\nAccept: {accept}\r\nTE: chunked\r\n\r\n"));
            await stream.ReadHeadAsync();
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public void Start() => Receive(completed: false);

    public void Dispose()
    {
        _socket.Dispose();
        _receive.Dispose();
    }

    // What follows the head in the same read precedes every measured message and is left aside.
    private async Task ReadHeadAsync()
    {
        var (length, end) = (0, -1);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (end < 0)
        {
            var count = await _socket.ReceiveAsync(_buffer.AsMemory(length), patience.Token);
            if (count == 0)
            {
                throw new IOException("The server closed a stream before its response began.");
            }
            length += count;
            end = _buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
        }
        var head = Encoding.UTF8.GetString(_buffer, 0, end);
        if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) ||
            !head.Contains("\nTransfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
        {
            throw new IOException($"The server gave no chunked stream: {head}");
        }
        _chunks.Decode(_buffer.AsSpan((end + 4)..length));
    }

    private void Receive(bool completed)
    {
        try
        {
            while (completed || !_socket.ReceiveAsync(_receive))
            {
                completed = false;
                if (!Take(_buffer, _receive.BytesTransferred, _receive.SocketError) ||
                    (_receive.BytesTransferred == BufferSize && !ReceiveBurst()))
                {
                    Scanner.Close();
                    return;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // The stage is over.
        }
    }

    private bool ReceiveBurst()
    {
        var buffer = _burst ??= new byte[Marker.MaxLength + BurstSize];
        var count = BurstSize;
        while (count == BurstSize)
        {
            count = _socket.Receive(buffer, Marker.MaxLength, BurstSize, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                return true;
            }
            if (!Take(buffer, count, error))
            {
                return false;
            }
        }
        return true;
    }

    /// <returns>False: the stream has ended.</returns>
    private bool Take(byte[] buffer, int count, SocketError error)
    {
        if (error != SocketError.Success || count == 0)
        {
            return false;
        }
        var fresh = _chunks.Decode(buffer.AsSpan(Marker.MaxLength, count));
        var read = buffer.AsSpan(Marker.MaxLength - _carried, _carried + fresh);
        _buffer.AsSpan(0, _carried).CopyTo(read);
        _carried = Scanner.Scan(read);
        read[^_carried..].CopyTo(_buffer);
        return !_chunks.IsAtEnd;
    }
}
