using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CometBench.Load.Servers;

namespace CometBench.Load.Client;

/// <summary>The open streams to one server.</summary>
internal sealed class Crowd(ServerKind kind, IPEndPoint server) : IDisposable
{
    private const int Dialers = 8;

    private readonly List<IOpenStream> _streams = [];
    private readonly ConcurrentDictionary<int, Lazy<HttpClient>> _clients = []; // by the connection that they are for
    // For SignalR's posts.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://{server}") };

    internal int Count => _streams.Count;

    internal IEnumerable<MarkerScanner> Scanners => _streams.Select(stream => stream.Scanner);

    /// <summary>Opens or closes streams until there are so many.</summary>
    internal async Task ResizeAsync(int count)
    {
        foreach (var stream in _streams.Skip(count))
        {
            stream.Dispose();
        }
        _streams.RemoveRange(Math.Min(count, Count), Math.Max(0, Count - count));
        var first = Count;
        var opened = new IOpenStream[count - first]; // null where one was refused
        try
        {
            await Parallel.ForAsync(first, count, new ParallelOptions { MaxDegreeOfParallelism = Dialers }, async (i, _) =>
            {
                opened[i - first] = await OpenAsync(i);
            });
        }
        finally
        {
            _streams.AddRange(opened.Where(stream => stream is not null));
        }
    }

    internal void Restart(Tally tally)
    {
        foreach (var scanner in Scanners)
        {
            scanner.Restart(tally);
        }
    }

    public void Dispose()
    {
        _streams.ForEach(stream => stream.Dispose());
        _streams.Clear();
        foreach (var client in _clients.Values)
        {
            client.Value.Dispose();
        }
        _http.Dispose();
    }

    private async Task<IOpenStream> OpenAsync(int index)
    {
        var path = kind.SubscribePath(index);
        if (kind.IsSignalR)
        {
            path += await NegotiateAsync(path);
        }
        IOpenStream stream = kind.Route != Route.Plain
            ? await HttpStream.OpenAsync(ClientOf(index / kind.PerConnection), path, kind.Accept)
            : await SocketStream.OpenAsync(server, path, kind.Accept);
        stream.Start();
        if (kind.IsSignalR)
        {
            using var answer = await _http.PostAsync(path, new StringContent("{\"protocol\":\"json\",\"version\":1}\u001e"));
            answer.EnsureSuccessStatusCode();
        }
        return stream;
    }

    // Of its own for each connection, as each browser has one.
    private HttpClient ClientOf(int connection) =>
        _clients.GetOrAdd(connection, _ => new Lazy<HttpClient>(() => HttpStream.CreateClient(server, kind.Route))).Value;

    private async Task<string> NegotiateAsync(string path)
    {
        using var answer = await _http.PostAsync($"{path}/negotiate?negotiateVersion=1", content: null);
        var connection = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
        return $"?id={connection.GetProperty("connectionToken").GetString()}";
    }
}
