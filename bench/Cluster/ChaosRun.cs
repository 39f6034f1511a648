using System.Diagnostics;
using System.Globalization;
using CometBench.Stores;

namespace CometBench.Cluster;

/// <summary>Publishes numbers to both servers while readers follow them through nginx and things go wrong, and counts.</summary>
internal static class ChaosRun
{
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(60);

    /// <param name="settings">Numbers, readers, rate.</param>
    /// <param name="nodes">Of the broker.</param>
    /// <param name="name">For the report.</param>
    /// <param name="goWrong">What happens meanwhile; it says what it does.</param>
    /// <returns>Whether nothing was lost, doubled or out of order.</returns>
    internal static async Task<bool> RunAsync(
        IConfiguration settings,
        int nodes,
        string name,
        Func<Site, HttpClient, Action<string>, Task> goWrong)
    {
        var count = settings.GetValue("messages", 20_000);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        await using var site = await Site.StartAsync(client, nodes);

        using var endReading = new CancellationTokenSource();
        var readers = Enumerable.Range(0, settings.GetValue("readers", 100)).Select(_ => new NumberReader(client, site.Url)).ToArray();
        var reading = readers.Select(reader => Task.Run(() => reader.RunAsync(endReading.Token))).ToArray();
        var clock = Stopwatch.StartNew();
        var publishers = new NumberPublishers(client, site.Servers.Select(server => server.Url).ToArray(), settings.GetValue("rate", 250), count);
        var publishing = publishers.RunAsync(settings.GetValue("publishers", 16), CancellationToken.None);
        await goWrong(site, client, what => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {clock.Elapsed.TotalSeconds,6:F1} s  {what}")));
        await publishing;
        var published = clock.Elapsed;

        var last = publishers.Confirmed.Values.Max();
        var deadline = DateTime.UtcNow + CatchUp;
        while (readers.Any(reader => reader.Offset < last) && DateTime.UtcNow < deadline)
        {
            await Task.Delay(50);
        }
        await Task.Delay(500); // what is doubled may come late
        endReading.Cancel();
        await Task.WhenAll(reading);
        return Report(name, published, publishers, readers);
    }

    private static bool Report(string name, TimeSpan published, NumberPublishers publishers, NumberReader[] readers)
    {
        var confirmed = publishers.Confirmed;
        var lost = readers.Sum(reader => confirmed.Keys.Except(reader.Numbers).LongCount());
        var doubled = readers.Sum(reader => reader.Numbers.LongCount() - reader.Numbers.Distinct().LongCount());
        var outOfOrder = readers.Sum(reader => reader.OutOfOrder);
        var told = readers.Sum(reader => reader.NotRecovered);
        var differing = readers.Count(reader => !reader.Numbers.SequenceEqual(readers[0].Numbers) || !reader.Offsets.SequenceEqual(readers[0].Offsets));
        var offsets = readers[0].Numbers.Zip(readers[0].Offsets).DistinctBy(pair => pair.First).ToDictionary(pair => pair.First, pair => pair.Second);
        var misplaced = confirmed.Count(pair => offsets.GetValueOrDefault(pair.Key) != pair.Value);
        Write("run", name);
        Write("publishing took", $"{published.TotalSeconds:F1} s");
        Write("confirmed", confirmed.Count);
        Write("not confirmed", publishers.Unknown.Count);
        Write("  of them stored", publishers.Unknown.Count(offsets.ContainsKey));
        Write("readers", readers.Length);
        Write("delivered to all readers", readers.Sum(reader => reader.Numbers.LongCount()));
        Write("lost", lost);
        Write("doubled", doubled);
        Write("out of order", outOfOrder);
        Write("told that something is missing", told);
        Write("readers that saw another order or other ids than the first", differing);
        Write("messages with another id than was confirmed", misplaced);
        Write("reconnects", readers.Sum(reader => reader.Connections - 1));
        Write("longest gap of a reader", $"{readers.Max(reader => reader.LongestGap).TotalSeconds:F2} s");
        var holds = lost == 0 && doubled == 0 && outOfOrder == 0 && told == 0 && differing == 0 && misplaced == 0;
        Console.WriteLine(holds ? "Every reader got every confirmed message once, in the one order, with the same ids." : "FAILED");
        Console.WriteLine();
        return holds;
    }

    private static void Write(string name, object value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-60} {value,12}"));
}
