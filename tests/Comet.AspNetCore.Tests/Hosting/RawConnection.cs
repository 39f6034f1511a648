using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>One HTTP/1.1 connection, down to its chunks.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly BufferedStream _stream;
    private readonly Deadline _deadline;

    private RawConnection(Socket socket, Deadline deadline)
    {
        (_socket, _deadline) = (socket, deadline);
        _stream = new BufferedStream(new NetworkStream(socket, ownsSocket: true), 1 << 16);
    }

    /// <summary>Status line and headers.</summary>
    internal string Head { get; private set; } = "";

    internal static async Task<RawConnection> OpenAsync(
        Uri server, string path, string[] headers, string method = "GET", int? receiveBuffer = null)
    {
        var connection = await ConnectAsync(server, path, headers, method, receiveBuffer);
        await connection.ReadHeadAsync();
        return connection;
    }

    /// <summary>Sends the request, and does not wait for its response.</summary>
    internal static async Task<RawConnection> ConnectAsync(
        Uri server, string path, string[] headers, string method = "GET", int? receiveBuffer = null)
    {
        var deadline = new Deadline();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } size)
        {
            socket.ReceiveBufferSize = size;
        }
        await socket.ConnectAsync(server.Host, server.Port).WithPatience();
        var connection = new RawConnection(socket, deadline);
        var lines = headers.Prepend("Host: " + server.Authority).Prepend($"{method} {path} HTTP/1.1");
        await socket.SendAsync(Encoding.ASCII.GetBytes(string.Join("\r\n", lines) + "\r\n\r\n")).WithPatience();
        return connection;
    }

    /// <summary>Sends more than the request.</summary>
    internal async Task SendAsync(string text) => await _socket.SendAsync(Encoding.ASCII.GetBytes(text)).WithPatience();

    /// <summary>Reads the <see cref="Head"/> of the next response.</summary>
    internal async Task ReadHeadAsync()
    {
        Head = "";
        for (string line; (line = await ReadLineAsync()).Length > 0;)
        {
            Head += line + "\n";
        }
    }

    /// <summary>The next chunk; null at the end of the body.</summary>
    internal async Task<string?> ReadChunkAsync()
    {
        var length = int.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var chunk = new byte[length];
        await ReadExactlyAsync(chunk);
        Assert.Equal("", await ReadLineAsync());
        return length == 0 ? null : Encoding.UTF8.GetString(chunk);
    }

    /// <summary>Chunks up to the one that ends with <paramref name="end"/>.</summary>
    internal async Task<List<string>> ReadChunksAsync(string end)
    {
        var chunks = new List<string>();
        do
        {
            chunks.Add(await ReadChunkAsync() ?? throw new EndOfStreamException($"The body ended before \"{end}\"."));
        }
        while (!chunks[^1].EndsWith(end, StringComparison.Ordinal));
        return chunks;
    }

    /// <summary>The body up to its end.</summary>
    internal async Task<string> ReadBodyAsync()
    {
        var body = new StringBuilder();
        while (await ReadChunkAsync() is { } chunk)
        {
            body.Append(chunk);
        }
        return body.ToString();
    }

    /// <summary>Whatever comes until the server closes or resets the connection; the number of bytes.</summary>
    internal async Task<long> ReadToEndAsync()
    {
        var buffer = new byte[1 << 16];
        var total = 0L;
        try
        {
            for (int read; (read = await _deadline.WaitAsync(token => _stream.ReadAsync(buffer, token))) > 0;)
            {
                total += read;
            }
        }
        catch (IOException)
        {
            // A reset ends a connection as well.
        }
        return total;
    }

    /// <summary>Fails if anything more comes, or if the server has reset the connection.</summary>
    internal async Task IsClosedAsync() => Assert.Equal(0, await _deadline.WaitAsync(token => _stream.ReadAsync(new byte[1], token)));

    /// <summary>Sends nothing more, and can still read.</summary>
    internal void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Ends the connection as a crashed client does.</summary>
    internal void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _deadline.Dispose();
    }

    private async Task ReadExactlyAsync(byte[] bytes)
    {
        for (var read = 0; read < bytes.Length;)
        {
            var more = await _deadline.WaitAsync(token => _stream.ReadAsync(bytes.AsMemory(read), token));
            read += more > 0 ? more : throw new EndOfStreamException("The connection ended.");
        }
    }

    private async Task<string> ReadLineAsync()
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (true)
        {
            await ReadExactlyAsync(one);
            if (one[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }
            line.Append((char)one[0]);
        }
    }
}
