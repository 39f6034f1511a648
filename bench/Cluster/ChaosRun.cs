using System.Diagnostics;
using System.Globalization;

namespace CometBench.Cluster;

/// <summary>Publishes numbers to both servers while readers follow them through nginx and things go wrong, and counts.</summary>
internal static class ChaosRun
{
    /// <param name="settings">Numbers, readers, rate.</param>
    /// <param name="nodes">Of the broker.</param>
    /// <param name="name">For the report.</param>
    /// <param name="goWrong">What happens meanwhile; it says what it does.</param>
    /// <returns>Whether nothing was lost, doubled or out of order.</returns>
    internal static async Task<bool> RunAsync(IConfiguration settings, int nodes, string name, Func<Site, Action<string>, Task> goWrong)
    {
        var count = settings.GetValue("messages", 20_000);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        await using var site = await Site.StartAsync(nodes);

        using var endReading = new CancellationTokenSource();
        var readers = Enumerable.Range(0, settings.GetValue("readers", 100)).Select(_ => new NumberReader(client, site.Url)).ToArray();
        var reading = readers.Select(reader => Task.Run(() => reader.RunAsync(endReading.Token))).ToArray();
        var clock = Stopwatch.StartNew();
        var publishers = new NumberPublishers(
            client, site.Servers.Select(server => server.Url).ToArray(), settings.GetValue("rate", 250), count);
        var publishing = publishers.RunAsync(settings.GetValue("publishers", 16), CancellationToken.None);
        await goWrong(site, what =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {clock.Elapsed.TotalSeconds,6:F1} s  {what}")));
        await publishing;
        var published = clock.Elapsed;

        var audit = new Audit(publishers, readers);
        await audit.CatchUpAsync();
        endReading.Cancel();
        await Task.WhenAll(reading);
        Audit.Write("run", name);
        Audit.Write("publishing took", $"{published.TotalSeconds:F1} s");
        return audit.Report();
    }
}
