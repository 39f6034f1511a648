using System.Diagnostics;
using System.Globalization;

namespace CometBench.Stores;

/// <summary>Fills a log, starts a server on it, and reads it from the oldest event on.</summary>
internal static class RetainedRun
{
    internal static async Task RunAsync(IConfiguration settings, string folder)
    {
        var entries = settings.GetValue("entries", 1_000_000);
        var message = new string('x', settings.GetValue("size", 100) - 10);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        var empty = new List<TimeSpan>();
        for (var run = 0; run < 3; run++)
        {
            empty.Add(await StartAsync(Path.Combine(folder, $"empty-{run}.db")));
        }
        var clock = Stopwatch.StartNew();
        await using (var app = PublishRun.Host("sqlite", folder, 10_000_000))
        {
            var feed = PublishRun.FeedOf(app);
            await Parallel.ForEachAsync(
                Enumerable.Range(0, entries),
                new ParallelOptions { MaxDegreeOfParallelism = 512 },
                async (number, cancellation) =>
                    await feed.PublishAsync(string.Create(CultureInfo.InvariantCulture, $"{number,8}{message}"), cancellation));
        }
        var database = Path.Combine(folder, "publish.db");
        Write("events", $"{entries} of {message.Length + 10} bytes");
        Write("published, each confirmed, by 512 publishers", $"{clock.Elapsed.TotalSeconds:F1} s");
        Write("file", $"{new FileInfo(database).Length >> 20} MiB");
        var full = new List<TimeSpan>();
        for (var run = 0; run < 3; run++)
        {
            full.Add(await StartAsync(database));
        }
        Write("process start to ready, empty log, median of 3", Milliseconds(empty.Order().ElementAt(1)));
        Write("process start to ready, full log, median of 3", Milliseconds(full.Order().ElementAt(1)));

        await using var server = StoreServer.Child(database);
        await server.StartAsync();
        var before = server.Memory;
        for (var run = 1; run <= 3; run++)
        {
            var (first, all, count) = await ReadAsync(client, server.Url, entries);
            Write($"resume from the oldest, run {run}: first message", Milliseconds(first));
            Write($"resume from the oldest, run {run}: all {count}", $"{Milliseconds(all)}, {count / all.TotalSeconds:F0}/s");
        }
        Write("server's memory before and after", $"{before >> 20} MiB, {server.Memory >> 20} MiB");
    }

    private static async Task<TimeSpan> StartAsync(string database)
    {
        await using var server = StoreServer.Child(database);
        return await server.StartAsync();
    }

    private static async Task<(TimeSpan First, TimeSpan All, int Count)> ReadAsync(HttpClient client, Uri url, int entries)
    {
        var clock = Stopwatch.StartNew();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, "/sub"));
        request.Headers.Add("Accept", "application/x-ndjson");
        request.Headers.Add("Last-Event-ID", "earliest");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 16];
        var (first, lines) = (TimeSpan.Zero, -1); // the first line says where the stream starts
        while (lines < entries)
        {
            var length = await body.ReadAsync(buffer);
            if (length == 0)
            {
                throw new EndOfStreamException($"The stream ended after {lines} messages.");
            }
            lines += buffer.AsSpan(0, length).Count((byte)'\n');
            if (first == TimeSpan.Zero && lines > 0)
            {
                first = clock.Elapsed;
            }
        }
        return (first, clock.Elapsed, lines);
    }

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:F0} ms");

    private static void Write(string name, string value) => Console.WriteLine($"{name,-48} {value}");
}
