using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace CometBench.Stores;

/// <summary>
/// What a server needs for clients that all read its whole log at once: when it has just started, so that only the file has it, and when
/// it has published the events itself.
/// </summary>
internal static class RestartRun
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    internal static async Task RunAsync(IConfiguration settings, string folder)
    {
        var entries = settings.GetValue("entries", 1000);
        var clients = settings.GetValue("clients", 5000);
        var message = new string('x', settings.GetValue("size", 200) - 2);
        Console.WriteLine(
            $"resident memory in MB, {clients} clients that read {entries} events of {message.Length + 2} bytes\n\n" +
            $"{"",-14}  {"warm",7}  {"restarted",9}  {"more",7}");
        for (var round = 1; round <= settings.GetValue("rounds", 3); round++)
        {
            var database = Path.Combine(folder, $"restart-{round}.db");
            Figures warm;
            await using (var server = await StartAsync(database, clients))
            {
                using var publisher = new HttpClient(new SocketsHttpHandler { UseProxy = false });
                for (var i = 0; i < entries; i++)
                {
                    using var answer = await publisher.PostAsync(new Uri(server.Url, "/pub"), new StringContent(message));
                    answer.EnsureSuccessStatusCode();
                }
                warm = await MeasureAsync(server, clients, entries);
            }
            await using var again = await StartAsync(database, clients);
            var restarted = await MeasureAsync(again, clients, entries);
            Write("before", warm.Before, restarted.Before);
            Write("all have read", warm.After, restarted.After);
            Write("peak", warm.Peak, restarted.Peak);
            Console.WriteLine();
        }
    }

    private static async Task<ServerProcess> StartAsync(string database, int clients)
    {
        var server = StoreServer.Child(database, "--Comet:Heartbeat", "00:10:00", "--Comet:MaxStreamsPerAddress", $"{clients}");
        await server.StartAsync();
        return server;
    }

    private static async Task<Figures> MeasureAsync(ServerProcess server, int count, int entries)
    {
        await Task.Delay(Settling);
        var before = server.Resident.Now;
        var request = Encoding.ASCII.GetBytes(
            $"GET /sub HTTP/1.1\r\nHost: {server.Url.Authority}\r\nAccept: application/x-ndjson\r\nLast-Event-ID: earliest\r\n\r\n");
        var sockets = Enumerable.Range(0, count)
            .Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        try
        {
            await Task.WhenAll(sockets.Select(socket => ReadAllAsync(socket, server.Url, request, entries)));
            await Task.Delay(Settling);
            var (after, peak) = server.Resident;
            return new Figures(before, after, peak);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    // Counts messages by what each has, and neither the head nor the framing of chunks.
    private static async Task ReadAllAsync(Socket socket, Uri url, byte[] request, int entries)
    {
        await socket.ConnectAsync(url.Host, url.Port);
        await socket.SendAsync(request);
        var buffer = new byte[8 * 1024];
        for (int left = entries, carried = 0; left > 0;)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(carried));
            if (read == 0)
            {
                throw new EndOfStreamException($"A stream ended {left} messages before its last.");
            }
            var bytes = buffer.AsMemory(0, carried + read);
            left -= bytes.Span.Count("\"x"u8);
            carried = bytes.Span[^1] == '"' ? 1 : 0;
            buffer[0] = (byte)'"';
        }
    }

    private static void Write(string what, long warm, long restarted) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-14}  {warm / 1e6,7:F1}  {restarted / 1e6,9:F1}  {(restarted - warm) / 1e6,7:F1}"));

    private sealed record Figures(long Before, long After, long Peak);
}
