using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CometBench.Load.Client;

/// <summary>Posts messages over one keep-alive connection, one at a time.</summary>
internal sealed class Publisher(int index, IPEndPoint server, Func<long, string> pathOf, int size) : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _answer = new byte[4096];
    private long _number;

    internal long Published => _number;

    internal ValueTask ConnectAsync() => _socket.ConnectAsync(server, CancellationToken.None);

    internal void Restart() => _number = 0;

    internal Task PublishAsync(long sentAt, CancellationToken cancellation) =>
        PostAsync(pathOf(_number + 1), Marker.Body(new Marker(sentAt, index, ++_number), size), cancellation);

    internal async Task PostAsync(string to, byte[] body, CancellationToken cancellation)
    {
        var head = $"POST {to} HTTP/1.1\r\nHost: {server}\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\n\r\n";
        var request = new byte[head.Length + body.Length];
        Encoding.ASCII.GetBytes(head, request);
        body.CopyTo(request, head.Length);
        for (var sent = 0; sent < request.Length;)
        {
            sent += await _socket.SendAsync(request.AsMemory(sent), cancellation);
        }
        await ReadAnswerAsync(cancellation);
    }

    public void Dispose() => _socket.Dispose();

    private async Task ReadAnswerAsync(CancellationToken cancellation)
    {
        var length = 0;
        int? expected = null;
        while (expected is null || length < expected)
        {
            var count = await _socket.ReceiveAsync(_answer.AsMemory(length), cancellation);
            if (count == 0)
            {
                throw new IOException("The server closed a publisher's connection.");
            }
            length += count;
            expected ??= ExpectedLength(_answer.AsSpan(0, length));
        }
        if (!_answer.AsSpan().StartsWith("HTTP/1.1 2"u8))
        {
            throw new IOException($"The server refused a message: {Encoding.UTF8.GetString(_answer, 0, length)}");
        }
    }

    private static int? ExpectedLength(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return null;
        }
        var header = answer[..end].IndexOf("Content-Length: "u8);
        var body = header >= 0 && Utf8Parser.TryParse(answer[(header + 16)..], out int length, out _) ? length : 0;
        return end + 4 + body;
    }
}
