using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CometBench.Load.Client;

/// <summary>A client that reads the head of its stream and then nothing, until it looks at last how the stream ended.</summary>
internal sealed class StalledStream : IDisposable
{
    // A phone's, not a desktop's: what the kernel takes for a client that reads nothing hides the stall from the server.
    private const int ReceiveBuffer = 4 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient _client;
    private readonly HttpResponseMessage _response;
    private readonly Socket _socket;
    private readonly long _lastReadAt = Marker.Now;

    private StalledStream(HttpClient client, HttpResponseMessage response, Socket socket)
    {
        (_client, _response, _socket) = (client, response, socket);
    }

    /// <summary>When the server was seen to have reset the connection, after the last read.</summary>
    internal TimeSpan? CutAfter { get; private set; }

    internal static async Task<StalledStream> OpenAsync(IPEndPoint server, string path)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBuffer };
        var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellation) =>
            {
                await socket.ConnectAsync(server, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        try
        {
            var response = await client.GetAsync($"http://{server}{path}", HttpCompletionOption.ResponseHeadersRead);
            return new StalledStream(client, response.EnsureSuccessStatusCode(), socket);
        }
        catch
        {
            client.Dispose();
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Notices, without reading, that the server has reset the connection. An orderly end waits behind what was not read.
    /// </summary>
    internal void Look()
    {
        if (CutAfter is null && _socket.Poll(TimeSpan.Zero, SelectMode.SelectError))
        {
            CutAfter = Stopwatch.GetElapsedTime(_lastReadAt);
        }
    }

    /// <summary>Reads what there is, to the end of the stream if it has one.</summary>
    internal async Task<StreamEnd> ReadToEndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await StreamEnd.ReadAsync(_response, patience.Token);
    }

    public void Dispose()
    {
        _response.Dispose();
        _client.Dispose();
    }
}
