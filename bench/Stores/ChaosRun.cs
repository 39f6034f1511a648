namespace CometBench.Stores;

/// <summary>Kills a server at random while it is published to and read, and counts.</summary>
internal static class ChaosRun
{
    /// <returns>Whether nothing was lost, doubled or out of order.</returns>
    internal static async Task<bool> RunAsync(IConfiguration settings, string folder)
    {
        var seed = settings.GetValue("seed", 1);
        var kills = settings.GetValue("kills", 20);
        var rate = settings.GetValue("rate", 2000);
        var random = new Random(seed);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        await using var server = StoreServer.Child(Path.Combine(folder, $"chaos-{seed}.db"));
        var starts = new List<TimeSpan> { await server.StartAsync() };

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
            starts.Add(await server.StartAsync());
            Console.Write($"\rkilled {kill} times, {publishers.Confirmed.Count} confirmed ");
        }
        await Task.Delay(1000);
        up += TimeSpan.FromSeconds(1);
        endPublishing.Cancel();
        await publishing;

        var audit = new Audit(publishers, readers);
        await audit.CatchUpAsync();
        endReading.Cancel();
        await Task.WhenAll(reading);
        Console.WriteLine();
        Audit.Write("seed", seed);
        Audit.Write("kills -9", kills);
        Audit.Write("time between start and kill, together", $"{up.TotalSeconds:F1} s");
        Audit.Write("confirmed a second while the server was up", $"{publishers.Confirmed.Count / up.TotalSeconds:F0}");
        Audit.Write("process start to ready, median", $"{starts.Order().ElementAt(starts.Count / 2).TotalSeconds:F2} s");
        return audit.Report();
    }
}
