using System.Globalization;

namespace CometBench.Stores;

/// <summary>Kills a server at random while it is published to and read, and counts.</summary>
internal static class ChaosRun
{
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(60);

    /// <returns>Whether nothing was lost, doubled or out of order.</returns>
    internal static async Task<bool> RunAsync(IConfiguration settings, string folder)
    {
        var seed = settings.GetValue("seed", 1);
        var kills = settings.GetValue("kills", 20);
        var rate = settings.GetValue("rate", 2000);
        var random = new Random(seed);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        await using var server = StoreServer.Child(Path.Combine(folder, $"chaos-{seed}.db"));
        var starts = new List<TimeSpan> { await server.StartAsync(client) };

        using var endReading = new CancellationTokenSource();
        using var endPublishing = new CancellationTokenSource();
        var readers = Enumerable.Range(0, settings.GetValue("readers", 20)).Select(_ => new NumberReader(client, server.Url)).ToArray();
        var reading = readers.Select(reader => Task.Run(() => reader.RunAsync(endReading.Token))).ToArray();
        var publishers = new NumberPublishers(client, [server.Url], rate);
        var publishing = publishers.RunAsync(settings.GetValue("publishers", 32), endPublishing.Token);
        var up = TimeSpan.Zero;
        for (var kill = 1; kill <= kills; kill++)
        {
            var delay = TimeSpan.FromMilliseconds(random.Next(200, 2500));
            up += delay;
            await Task.Delay(delay);
            await server.KillAsync();
            starts.Add(await server.StartAsync(client));
            Console.Write($"\rkilled {kill} times, {publishers.Confirmed.Count} confirmed ");
        }
        await Task.Delay(1000);
        up += TimeSpan.FromSeconds(1);
        endPublishing.Cancel();
        await publishing;

        var last = publishers.Confirmed.Values.Max();
        var deadline = DateTime.UtcNow + CatchUp;
        while (readers.Any(reader => reader.Offset < last) && DateTime.UtcNow < deadline)
        {
            await Task.Delay(50);
        }
        endReading.Cancel();
        await Task.WhenAll(reading);
        return Report(seed, kills, up, starts, publishers, readers);
    }

    private static bool Report(
        int seed, int kills, TimeSpan up, List<TimeSpan> starts, NumberPublishers publishers, NumberReader[] readers)
    {
        var confirmed = publishers.Confirmed;
        var lost = readers.Sum(reader => confirmed.Keys.Except(reader.Numbers).LongCount());
        var doubled = readers.Sum(reader => reader.Numbers.LongCount() - reader.Numbers.Distinct().LongCount());
        var outOfOrder = readers.Sum(reader => reader.OutOfOrder);
        var notRecovered = readers.Sum(reader => reader.NotRecovered);
        var differing = readers.Count(reader => !reader.Numbers.SequenceEqual(readers[0].Numbers));
        var stored = readers[0].Numbers.ToHashSet();
        Console.WriteLine();
        Write("seed", seed);
        Write("kills -9", kills);
        Write("time between start and kill, together", $"{up.TotalSeconds:F1} s");
        Write("confirmed", confirmed.Count);
        Write("confirmed a second while the server was up", $"{confirmed.Count / up.TotalSeconds:F0}");
        Write("unanswered (the server died first)", publishers.Unknown.Count);
        Write("  of them stored", publishers.Unknown.Count(stored.Contains));
        Write("readers", readers.Length);
        Write("delivered to all readers", readers.Sum(reader => reader.Numbers.LongCount()));
        Write("lost", lost);
        Write("doubled", doubled);
        Write("out of order", outOfOrder);
        Write("told that something is missing", notRecovered);
        Write("readers that saw another order than the first", differing);
        Write("reconnects", readers.Sum(reader => reader.Connections - 1));
        Write("longest gap of a reader", $"{readers.Max(reader => reader.LongestGap).TotalSeconds:F2} s");
        Write("process start to ready, median", $"{starts.Order().ElementAt(starts.Count / 2).TotalSeconds:F2} s");
        var holds = lost == 0 && doubled == 0 && outOfOrder == 0 && notRecovered == 0 && differing == 0;
        Console.WriteLine(holds ? "Every reader got every confirmed message once, in the one order." : "FAILED");
        return holds;
    }

    private static void Write(string name, object value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-48} {value,12}"));
}
