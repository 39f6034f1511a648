using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace CometBench.Stores;

/// <summary>What clients cost that resume from the oldest event and read nothing, beside those that wait for the next event.</summary>
internal static class StalledRun
{
    private const int ReceiveBuffer = 4 * 1024; // what the system takes for a client that reads nothing hides the stall from the server

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    internal static async Task RunAsync(IConfiguration settings, string folder)
    {
        var counts = settings.GetValue("clients", "200,1000")!.Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture));
        var message = new string('x', settings.GetValue("size", 4096) - 2);
        await using (var app = PublishRun.Host("sqlite", folder, 10_000_000))
        {
            var feed = PublishRun.FeedOf(app);
            for (var i = 0; i < settings.GetValue("entries", 1000); i++)
            {
                await feed.PublishAsync(message);
            }
        }
        Console.WriteLine($"{"clients",8}  {"",-7}  {"KB each",8}  {"after a collection",18}");
        foreach (var count in counts)
        {
            for (var round = 0; round < settings.GetValue("rounds", 3); round++)
            {
                Write(count, "open", await MeasureAsync(folder, count, ""));
                Write(count, "stalled", await MeasureAsync(folder, count, "Last-Event-ID: earliest\r\n"));
            }
        }
    }

    // Memory for each client, before and after a collection.
    private static async Task<(double Taken, double Held)> MeasureAsync(string folder, int count, string headers)
    {
        await using var server = StoreServer.Child(
            Path.Combine(folder, "publish.db"),
            "--Comet:WriteTimeout", "00:10:00", "--Comet:Heartbeat", "00:10:00", "--Comet:MaxStreamsPerAddress", $"{count}");
        await server.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var before = server.Memory;
        var sockets = new List<Socket>();
        try
        {
            var request = Encoding.ASCII.GetBytes(
                $"GET /sub HTTP/1.1\r\nHost: {server.Url.Authority}\r\nAccept: application/x-ndjson\r\n{headers}\r\n");
            for (var i = 0; i < count; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                socket.ReceiveBufferSize = ReceiveBuffer;
                await socket.ConnectAsync(server.Url.Host, server.Url.Port);
                await socket.SendAsync(request);
            }
            await Task.Delay(Settling);
            var taken = server.Memory - before;
            using var collected = await client.PostAsync(new Uri(server.Url, "/gc"), null);
            return (taken / 1024.0 / count, (server.Memory - before) / 1024.0 / count);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static void Write(int clients, string what, (double Taken, double Held) each) => Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"{clients,8}  {what,-7}  {each.Taken,8:F1}  {each.Held,18:F1}"));
}
